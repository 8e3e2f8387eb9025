/* Cases decided together: arrows move from tick to tick, Enter shows the whole text, and the time spent is counted. */
'use strict';
(() => {
    const form = document.getElementById('together');
    if (!form) { return; }
    const boxes = [...form.querySelectorAll('input[name=pick]')];
    const told = form.querySelector('[data-ticked]');
    const lead = form.querySelector('[data-lead]');

    const count = () => {
        const ticked = boxes.filter((box) => box.checked).length;
        told.textContent = ticked ? `${told.dataset.some} ${ticked}` : told.dataset.none;
        lead.classList.toggle('cs-primary', ticked > 0);
    };
    form.addEventListener('change', count);
    if (boxes.some((box) => box.checked)) { count(); }

    const move = (box, step) => {
        const next = boxes[boxes.indexOf(box) + step];
        if (next) { next.focus(); next.closest('li').scrollIntoView({ block: 'nearest' }); }
    };
    form.addEventListener('keydown', (event) => {
        if (!boxes.includes(event.target)) { return; }
        if (event.key === 'ArrowDown') { event.preventDefault(); move(event.target, 1); }
        if (event.key === 'ArrowUp') { event.preventDefault(); move(event.target, -1); }
        if (event.key === 'Enter') {
            event.preventDefault();
            const whole = event.target.closest('li').querySelector('details');
            if (whole) { whole.open = !whole.open; }
        }
    });
    form.addEventListener('submit', (event) => {
        if (event.submitter && !event.submitter.value) { event.preventDefault(); return; }
        if (form.dataset.sent) { event.preventDefault(); return; }
        form.dataset.sent = 'yes';
    });
    window.addEventListener('pageshow', () => { delete form.dataset.sent; });

    /* Active time: runs while the page is seen and somebody has stirred in the last minute. */
    const IDLE = 60000;
    let stirred = Date.now();
    let last = performance.now();
    let spent = 0;
    ['keydown', 'pointerdown', 'pointermove', 'scroll', 'touchstart'].forEach((name) => {
        document.addEventListener(name, () => { stirred = Date.now(); }, { passive: true });
    });
    const tick = () => {
        const now = performance.now();
        if (!document.hidden && Date.now() - stirred < IDLE) { spent += (now - last) / 1000; }
        last = now;
        form.elements.active_seconds.value = Math.ceil(spent);
    };
    setInterval(tick, 500);
    form.addEventListener('submit', tick);
    if (boxes.length) { boxes[0].focus({ preventScroll: true }); }
})();
