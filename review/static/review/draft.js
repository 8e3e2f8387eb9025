/* Drafts: what is typed is kept on the server, for this person alone, and comes back with the page. */
'use strict';
(() => {
    const { desk } = window;
    const PAUSE = 900;

    const answers = (form) => [...new FormData(form).entries()].filter(([name]) => name.startsWith('output'));
    const draftOf = (form) => {
        const data = new FormData(form);
        ['lease_token', 'digest', 'queue', 'verb'].forEach((name) => data.delete(name));
        return data;
    };

    desk.shown((signal) => {
        const form = desk.form();
        if (!form || !form.dataset.draftUrl) { return; }
        const status = form.querySelector('[data-draft-status]');
        const approve = form.querySelector('[data-if-unchanged]');
        const save = form.querySelector('[data-if-changed]');
        const before = JSON.stringify(answers(form));
        let touched = form.hasAttribute('data-typed');
        let timer = 0;
        let sent = false;

        const changed = () => form.hasAttribute('data-typed') || JSON.stringify(answers(form)) !== before;
        const lead = () => {
            if (!approve || !save) { return; }
            save.classList.toggle('cs-primary', changed());
            approve.classList.toggle('cs-primary', !changed());
            approve.disabled = changed();
        };
        const tell = (words) => { if (status && status.textContent !== words) { status.textContent = words; } };
        const keep = async () => {
            clearTimeout(timer);
            timer = 0;
            if (signal.aborted || sent) { return; }
            const answer = await desk.post(form.dataset.draftUrl, draftOf(form));
            if (signal.aborted || !status) { return; }
            tell(answer.saved ? status.dataset.saved.replace('TIME', answer.saved) : status.dataset.unsaved);
        };
        const type = () => {
            touched = true;
            lead();
            clearTimeout(timer);
            timer = setTimeout(keep, PAUSE);
        };
        /* Another form is about to leave with the page: what stands here must be kept first. */
        desk.keepDraft = () => (touched && timer ? keep() : Promise.resolve());
        form.addEventListener('input', type, { signal });
        form.addEventListener('change', type, { signal });
        form.addEventListener('reset', () => setTimeout(type), { signal });
        form.addEventListener('submit', (event) => { if (!event.defaultPrevented) { sent = true; clearTimeout(timer); } }, { signal });
        form.addEventListener('desk:refused', () => { sent = false; }, { signal });
        window.addEventListener('pagehide', () => {
            if (sent || !navigator.sendBeacon) { return; }
            const data = draftOf(form);
            if (!touched) { [...data.keys()].filter((name) => name.startsWith('output') || name === 'note' || name === 'reason').forEach((name) => data.delete(name)); }
            navigator.sendBeacon(form.dataset.draftUrl, data);
        }, { signal });

        const over = form.querySelector('[data-start-over]');
        if (over) {
            over.addEventListener('click', async () => {
                sent = true;
                clearTimeout(timer);
                await desk.post(form.dataset.draftUrl, { start_over: '1' });
                window.location.reload();
            }, { signal });
        }
        signal.addEventListener('abort', () => { clearTimeout(timer); desk.keepDraft = () => Promise.resolve(); });
        lead();
    });
    desk.keepDraft ??= () => Promise.resolve();
})();
