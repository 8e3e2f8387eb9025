/* The toast: counts down while its act can be undone, and is not repeated when the page is loaded again. */
'use strict';
(() => {
    const { desk } = window;

    desk.shown((signal) => {
        const address = new URL(window.location.href);
        if (['after', 'none'].some((name) => address.searchParams.has(name))) {
            address.searchParams.delete('after');
            address.searchParams.delete('none');
            window.history.replaceState(window.history.state, '', address);
        }
        const undo = document.querySelector('.cs-toast [data-undo][data-seconds]');
        if (!undo) { return; }
        const left = undo.querySelector('[data-undo-left]');
        const ends = Date.now() + Number(undo.dataset.seconds) * 1000;
        const tick = () => {
            const seconds = Math.ceil((ends - Date.now()) / 1000);
            if (seconds <= 0) { undo.closest('form').remove(); return; }
            left.textContent = `${seconds} s`;
        };
        tick();
        desk.every(1, () => { if (undo.isConnected) { tick(); } }, signal);
    });
})();
