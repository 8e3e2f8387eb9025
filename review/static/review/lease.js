/* The lease: time left, kept while somebody works, a warning before its end, and what happened when it is lost.
   And presence: who else looks at the case. One call carries both. */
'use strict';
(() => {
    const { desk } = window;
    const POLL = 20;
    const SHORT = 60;
    const DAY = 86400;

    const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    const put = (place, words) => { if (place && place.textContent !== words) { place.textContent = words; } };

    /* Signed out while typing: say so, keep the page, and go on with the new session once there is one. */
    const awaitSession = (box, signal) => {
        const banner = document.getElementById('signed-out');
        if (!banner || !banner.hidden) { return; }
        const told = banner.querySelector('[data-detail]');
        banner.hidden = false;
        const look = async () => {
            if (banner.hidden || document.hidden) { return; }
            try {
                const answer = await fetch(box.dataset.session, { headers: { Accept: 'application/json' } });
                if (!answer.ok || answer.redirected) { return; }
                const found = await answer.json();
                if (found.user !== box.dataset.user) { put(told, banner.dataset.other.replace('NAME', found.user)); return; }
                document.querySelectorAll('input[name=csrfmiddlewaretoken]').forEach((field) => { field.value = found.csrf; });
                banner.hidden = true;
                document.dispatchEvent(new CustomEvent('desk:signed-in'));
            } catch { /* the network is away */ }
        };
        desk.every(3, look, signal);
        document.addEventListener('visibilitychange', look, { signal });
    };

    desk.shown((signal) => {
        const box = document.getElementById('lease');
        if (!box) { return; }
        const mine = 'token' in box.dataset;
        const present = box.querySelector('[data-present]');
        const left = box.querySelector('[data-left]');
        const warning = document.getElementById('lease-warning');
        const lost = document.getElementById('lease-lost');
        let ends = mine ? Date.now() + Number(box.dataset.seconds) * 1000 : 0;
        const whole = Math.max(SHORT, Number(box.dataset.seconds || 0));
        let beaten = Date.now();

        const gone = (detail) => {
            ends = 0;
            lost.hidden = false;
            put(lost.querySelector('[data-detail]'), detail || '');
            warning.hidden = true;
            box.hidden = true;
        };
        const moved = (state) => {
            const place = box.querySelector('[data-moved]');
            if (!place || state === box.dataset.state || place.childNodes.length) { return; }
            const again = document.createElement('a');
            again.href = window.location.pathname;
            again.textContent = box.dataset.reload;
            place.append(`${box.dataset.changed} `, again);
        };
        const beat = async (keep) => {
            if (keep) { beaten = Date.now(); }
            const answer = await desk.post(box.dataset.url, { ...(mine && { lease_token: box.dataset.token }), ...(!keep && { look: '1' }) });
            if (signal.aborted) { return; }
            if (answer.status === 409 && lost) { gone(answer.detail); return; }
            if (answer.status !== 200) { return; }
            put(present, answer.present);
            if (mine && ends) { ends = Date.now() + answer.seconds * 1000; }
            if (!mine) { moved(answer.state); }
        };
        const tick = () => {
            if (!ends) { return; }
            const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
            if (seconds < DAY) { put(left, clock(seconds)); }
            box.classList.toggle('cs-is-short', seconds < SHORT);
            warning.hidden = seconds >= SHORT || seconds === 0;
            if (desk.stirring() && Date.now() - beaten > Math.min(60000, whole * 250)) { beat(true); }
            if (Date.now() > ends + 500) { ends = 0; beat(false); } /* over: the server says what became of it */
        };

        document.addEventListener('desk:signed-out', () => awaitSession(box, signal), { signal });
        document.addEventListener('desk:signed-in', () => beat(mine), { signal });
        if (mine) {
            warning.querySelector('[data-keep]').addEventListener('click', () => beat(true), { signal });
            tick();
            desk.every(1, tick, signal);
        }
        if (mine || box.dataset.state !== 'done') {
            beat(false);
            desk.every(POLL, () => { if (!document.hidden && (ends || !mine)) { beat(false); } }, signal);
            document.addEventListener('visibilitychange', () => { if (!document.hidden && (ends || !mine)) { beat(false); } }, { signal });
        }
    });
})();
