/* Single-letter keys: asleep while somebody types or a dialog is open, and off for whoever wants them off. */
'use strict';
(() => {
    const { desk } = window;
    const SOON = 1500;
    let going = 0; /* since when `g` waits for its number */

    const list = () => document.getElementById('keys');
    const on = () => { const box = list(); return !box || box.dataset.on === 'yes'; };
    /* The hints beside the buttons go, and so do other scripts' keys. */
    const mark = () => {
        document.documentElement.classList.toggle('cs-keys-off', !on());
        document.body.dataset.keys = on() ? 'on' : 'off';
    };
    const fields = () => [...(desk.form() ? desk.form().querySelectorAll('[data-field]') : [])];
    const control = (field) => field.querySelector('input:checked, input:not([type=hidden]), select, textarea, button');

    const goTo = (field) => {
        const place = field && control(field);
        if (!place) { return; }
        const closed = place.closest('details:not([open])');
        if (closed) { closed.open = true; }
        place.focus();
        field.scrollIntoView({ block: 'nearest' });
    };
    const cycle = (step) => {
        const all = fields();
        if (!all.length) { return; }
        const here = all.findIndex((field) => field.contains(document.activeElement));
        goTo(all[here < 0 ? (step > 0 ? 0 : all.length - 1) : (here + step + all.length) % all.length]);
    };
    const choose = (digit) => {
        const form = desk.form();
        const chosen = form && (form.querySelector(`input[data-digit="${digit}"]`) || form.querySelector(`option[data-digit="${digit}"]`));
        if (!chosen) { return false; }
        if (chosen.matches('option')) {
            const box = chosen.closest('select');
            box.value = chosen.value;
            box.dispatchEvent(new Event('input', { bubbles: true }));
            box.dispatchEvent(new Event('change', { bubbles: true }));
        } else { chosen.click(); chosen.focus(); }
        return true;
    };
    const writeNote = () => {
        const note = document.getElementById('note') || document.getElementById('new-note');
        if (!note) { return false; }
        const box = note.closest('details');
        if (box) { box.open = true; }
        note.focus();
        return true;
    };
    /* A button that needs a note sends it there first; Ctrl-Enter in the note then presses it. */
    const press = (button) => {
        const note = document.getElementById('note');
        if (button.hasAttribute('data-needs-note') && note && !note.value.trim()) {
            writeNote();
            note.dataset.then = button.value;
            return;
        }
        button.click();
    };
    const pressed = (key) => {
        const found = [...document.querySelectorAll(`main [data-key="${key}"]`)].find((one) => !one.closest('dialog') && one.getClientRects().length);
        if (!found) { return false; }
        /* Who has changed something and presses the key of Approve means: save it. */
        const instead = found.disabled && found.hasAttribute('data-if-unchanged') && found.form.querySelector('[data-if-changed]');
        const button = instead || found;
        if (button.disabled) { return false; }
        press(button);
        return true;
    };
    const act = (event) => {
        const { key } = event;
        if (key === '?') { const box = list(); if (box && box.showModal) { box.showModal(); } return Boolean(box); }
        if (key === '/') { const search = document.querySelector('#input-search, [data-find] input'); if (search) { search.focus(); } return Boolean(search); }
        if (/^[1-9]$/.test(key)) {
            if (Date.now() - going < SOON) { going = 0; goTo(fields()[Number(key) - 1]); return true; }
            return choose(key);
        }
        const letter = key.toLowerCase();
        if (letter === 'g') { going = Date.now(); return true; }
        if (letter === 'f') { cycle(event.shiftKey ? -1 : 1); return true; }
        if (letter === 'w') { return writeNote(); }
        return /^[a-z]$/.test(letter) && !event.shiftKey && pressed(letter);
    };

    document.addEventListener('keydown', (event) => {
        const note = event.target;
        if (note instanceof HTMLElement && note.id === 'note' && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            const wanted = desk.form() && desk.form().querySelector(`button[value="${CSS.escape(note.dataset.then || '')}"]`);
            if (wanted) { event.preventDefault(); wanted.click(); }
            return;
        }
        if (document.querySelector('dialog:modal')) { return; }
        if (event.key === 'Escape' && desk.typing(event.target)) { event.target.blur(); return; }
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || desk.typing(event.target)) { return; }
        if (!on() && event.key !== '?') { return; }
        if (act(event)) { event.preventDefault(); }
    });

    desk.shown((signal) => {
        const knob = document.querySelector('[data-keys-switch]');
        if (knob) {
            const told = document.querySelector('[data-keys-status]');
            knob.addEventListener('click', async () => {
                const wanted = !on();
                list().dataset.on = wanted ? 'yes' : '';
                knob.setAttribute('aria-pressed', String(wanted));
                told.textContent = wanted ? told.dataset.on : told.dataset.off;
                mark();
                await desk.post(list().dataset.url, wanted ? { keys: 'on' } : {});
            }, { signal });
        }
        mark();
        const needy = desk.form();
        if (needy) {
            needy.addEventListener('submit', (event) => {
                const note = document.getElementById('note');
                if (event.submitter && event.submitter.hasAttribute('data-needs-note') && note && !note.value.trim()) { event.preventDefault(); press(event.submitter); }
            }, { signal });
        }
    });
    document.addEventListener('click', (event) => {
        if (event.target.closest('[data-keys-list]') && list()) { event.preventDefault(); list().showModal(); }
    });
})();
