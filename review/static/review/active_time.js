/* Active time: runs while the page is seen and somebody has stirred in the last minute. */
'use strict';
(() => {
    const { desk } = window;
    const IDLE = 60000;
    let stirred = Date.now();

    desk.stirring = () => !document.hidden && Date.now() - stirred < IDLE;
    ['keydown', 'pointerdown', 'pointermove', 'scroll', 'touchstart'].forEach((name) => {
        document.addEventListener(name, () => { stirred = Date.now(); }, { passive: true, capture: true });
    });

    desk.shown((signal) => {
        const form = desk.form();
        const counter = form && form.elements.active_seconds;
        if (!counter) { return; }
        let last = performance.now();
        stirred = Date.now();
        const count = () => {
            const now = performance.now();
            if (desk.stirring()) { counter.value = (Number(counter.value) + (now - last) / 1000).toFixed(1); }
            last = now;
        };
        desk.every(0.5, count, signal);
        document.addEventListener('visibilitychange', () => { last = performance.now(); }, { signal });
        document.addEventListener('submit', count, { signal, capture: true });
    });
})();
