// The queues' pages: counts that keep themselves current while the page is seen, and the ticking of many rows.
'use strict';
(function () {
    const FOCUSABLE = 'a, button, input, select, summary';

    function replaceLive(scope, html) {
        const fresh = new DOMParser().parseFromString(html, 'text/html');
        fresh.querySelectorAll('[data-live]').forEach(function (one) {
            const shown = scope.querySelector('[data-live="' + CSS.escape(one.dataset.live) + '"]');
            if (!shown || shown.innerHTML === one.innerHTML) return;
            const open = Array.from(shown.querySelectorAll('details'), (part) => part.open);
            const focused = Array.from(shown.querySelectorAll(FOCUSABLE)).indexOf(document.activeElement);
            shown.replaceChildren(...Array.from(one.childNodes, (node) => document.importNode(node, true)));
            shown.querySelectorAll('details').forEach((part, n) => { part.open = Boolean(open[n]); });
            if (focused >= 0 && shown.querySelectorAll(FOCUSABLE)[focused]) shown.querySelectorAll(FOCUSABLE)[focused].focus();
        });
    }

    function keepCurrent(scope) {
        const pause = Number(scope.dataset.liveSeconds || 10) * 1000;
        let waiting = null;
        function later() {
            clearTimeout(waiting);
            if (document.visibilityState === 'visible') waiting = setTimeout(look, pause);
        }
        async function look() {
            try {
                const answer = await fetch(scope.dataset.liveFrom, { credentials: 'same-origin' });
                if (answer.ok && !answer.redirected) replaceLive(scope, await answer.text());
            } catch (fault) { /* offline: the next look may succeed */ }
            later();
        }
        document.addEventListener('visibilitychange', function () {
            if (document.visibilityState === 'visible') look(); else clearTimeout(waiting);
        });
        later();
    }

    function tickAll(all) {
        const form = all.closest('form');
        const told = form.querySelector('[data-chosen]');
        const boxes = () => Array.from(form.querySelectorAll('input[name="' + all.dataset.all + '"]'));
        function tell() {
            const chosen = boxes().filter((box) => box.checked).length;
            all.checked = chosen > 0 && chosen === boxes().length;
            all.indeterminate = chosen > 0 && !all.checked;
            if (!told) return;
            told.textContent = chosen === 1 ? told.dataset.one
                : chosen ? told.dataset.many.replace('{count}', String(chosen)) : '';
        }
        all.hidden = false;
        all.addEventListener('change', function () {
            boxes().forEach(function (box) { box.checked = all.checked; });
            tell();
        });
        form.addEventListener('change', tell);
        tell();
    }

    document.querySelectorAll('[data-live-from]').forEach(keepCurrent);
    document.querySelectorAll('[data-all]').forEach(tickAll);
    if (matchMedia('(max-width: 767px)').matches) {
        document.querySelectorAll('details[data-folds]').forEach(function (part) { part.open = false; });
    }
})();
