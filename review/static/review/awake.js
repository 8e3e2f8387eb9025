/* Staying awake: an asked reason is asked before the form leaves; the approve button leads once the reading floor is past. */
'use strict';
(() => {
    const start = () => {
        const form = document.getElementById('decision');
        if (!form) { return; }

        const asked = form.querySelector('[data-why-asked] input');
        if (asked) {
            const note = form.elements.note;
            form.addEventListener('submit', (event) => {
                const approves = event.submitter && event.submitter.value === 'approve';
                if (!approves || asked.value.trim() || (note && note.value.trim())) { return; }
                event.preventDefault();
                event.stopImmediatePropagation();
                asked.setAttribute('aria-invalid', 'true');
                asked.focus();
            }, true);
            asked.addEventListener('input', () => { asked.removeAttribute('aria-invalid'); });
        }

        const floor = form.querySelector('[data-read-first]');
        if (floor) {
            setTimeout(() => {
                form.querySelectorAll('[data-reading]').forEach((button) => { button.removeAttribute('data-reading'); });
                form.querySelectorAll('[data-read-word]').forEach((word) => { word.remove(); });
                floor.hidden = true;
            }, Number(floor.dataset.seconds) * 1000);
        }
    };

    /* The desk shows one case after another without loading a page. */
    const whenShown = (start) => (window.desk ? window.desk.shown(start) : start());
    whenShown(start);
})();
