/* Small dialogs that ask for a reason: Enter sends, Shift-Enter makes a new line, Escape closes. */
'use strict';
(() => {
    const { desk } = window;

    /* What was written in the form's note is the reason, unless another is given. */
    const fill = (dialog) => {
        const note = document.getElementById('note');
        const reason = dialog.querySelector('[data-from-note]');
        if (note && reason && !reason.value) { reason.value = note.value; }
    };
    const fetched = async (dialog, link) => {
        if (dialog.childElementCount) { return; }
        try {
            const answer = await fetch(link.href, { headers: { 'X-Desk-Swap': '1' } });
            const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
            const part = page.getElementById(link.dataset.fetches);
            dialog.replaceChildren(part ? document.importNode(part, true) : dialog.dataset.failed);
        } catch { dialog.textContent = dialog.dataset.failed; }
    };
    const ready = (dialog) => {
        dialog.querySelectorAll('[data-closes]').forEach((button) => { button.hidden = false; });
        const first = dialog.querySelector('textarea, select, input:not([type=hidden]):not([type=radio]), input[type=radio]:checked');
        if (first) { first.focus(); }
    };
    desk.open = async (link) => {
        const dialog = document.getElementById(link.dataset.opens);
        if (!dialog || !dialog.showModal || dialog.open || document.querySelector('dialog:modal')) { return false; }
        if (link.dataset.fetches) { await fetched(dialog, link); }
        fill(dialog);
        dialog.showModal();
        ready(dialog);
        return true;
    };

    /* What was refused is asked again, with what was written in it. */
    desk.shown(() => {
        const again = document.querySelector('dialog[data-again]');
        if (!again || !again.showModal) { return; }
        again.close();
        again.showModal();
        ready(again);
    });
    document.addEventListener('click', (event) => {
        const link = event.target.closest('[data-opens]');
        if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && document.getElementById(link.dataset.opens)) {
            event.preventDefault();
            desk.open(link);
        }
        const closes = event.target.closest('[data-closes]');
        if (closes) { closes.closest('dialog').close(); }
    });
    document.addEventListener('keydown', (event) => {
        const box = event.target;
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing || !(box instanceof HTMLElement)) { return; }
        const form = box.closest('dialog form');
        if (!form || !box.matches('textarea, input, select')) { return; }
        event.preventDefault();
        const button = form.querySelector('button[type=submit]');
        if (button) { form.requestSubmit(button); }
    });
    /* The dialog's form carries the time that the page has counted. */
    document.addEventListener('submit', (event) => {
        const from = desk.form();
        const seconds = event.target.elements.active_seconds;
        if (from && seconds && event.target !== from && from.elements.active_seconds) { seconds.value = from.elements.active_seconds.value; }
    }, true);
})();
