/* What the desk's scripts share. Each of them starts anew whenever a page is shown, the first or one that was swapped in. */
'use strict';
(() => {
    let life = new AbortController();
    const starters = [];
    const main = () => document.getElementById('content-start');

    window.desk = {
        /* Run for this page and for every page that is swapped in; `signal` ends what listens or ticks for the old one. */
        shown(start) {
            starters.push(start);
            start(life.signal);
        },
        swapped() {
            life.abort();
            life = new AbortController();
            starters.forEach((start) => start(life.signal));
            document.dispatchEvent(new CustomEvent('desk:shown'));
        },
        main,
        form: () => document.getElementById('decision'),
        token: () => { const field = document.querySelector('input[name=csrfmiddlewaretoken]'); return field ? field.value : ''; },
        every(seconds, act, signal) {
            const timer = setInterval(act, seconds * 1000);
            signal.addEventListener('abort', () => clearInterval(timer));
        },
        /* Post in the background. The answer's data, with its `status`; 401 says that the session has ended, 0 that the network is away. */
        async post(url, fields) {
            const body = fields instanceof FormData ? new URLSearchParams(fields) : new URLSearchParams(fields || {});
            try {
                const answer = await fetch(url, { method: 'POST', body, headers: { 'X-CSRFToken': window.desk.token(), Accept: 'application/json' } });
                const data = (answer.headers.get('Content-Type') || '').startsWith('application/json') ? await answer.json() : {};
                const status = answer.redirected || answer.status === 403 ? 401 : answer.status;
                if (status === 401) { document.dispatchEvent(new CustomEvent('desk:signed-out')); }
                return { ...data, status };
            } catch { return { status: 0 }; }
        },
        /* Whether keys pressed here are text. A dialog that has just been closed keeps the focus for a moment. */
        typing: (target) => target instanceof HTMLElement && !target.closest('dialog:not([open])')
            && (target.isContentEditable || target.matches('textarea, select, input:not([type=radio]):not([type=checkbox])')),
    };
})();
