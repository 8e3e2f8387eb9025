/* Alerts: asks every three seconds, while the page is seen, which ones call. A new one shows at once, on every page. */
'use strict';
(() => {
    const place = document.querySelector('[data-alerts]');
    if (!place) { return; }
    const counts = [...document.querySelectorAll('[data-alerts-count]')];
    const list = document.querySelector('[data-alerts-list]');
    const none = document.querySelector('[data-alerts-none]');
    const status = document.querySelector('[data-alerts-status]');
    const EVERY = 3000;
    const MOST = 100;
    let newest = null; /* the first answer is no news */
    let tag = '';
    let timer = 0;

    const link = (alert) => {
        const made = document.createElement('a');
        made.href = alert.url;
        made.textContent = alert.text;
        return made;
    };
    const toast = (alert) => {
        const shown = document.createElement('div');
        shown.className = 'cs-toast cs-alert-toast';
        const word = document.createElement('strong');
        word.textContent = place.dataset.word;
        shown.append(word, link(alert));
        document.querySelectorAll('.cs-alert-toast').forEach((old) => old.remove());
        document.body.append(shown);
        shown.addEventListener('animationend', () => shown.remove());
    };
    const show = ({ count, alerts }) => {
        const told = count >= MOST ? `${MOST - 1}+` : String(count);
        counts.forEach((badge) => { badge.textContent = told; badge.hidden = count === 0; });
        place.setAttribute('aria-label', count ? place.dataset.calling.replace('COUNT', told) : place.dataset.label);
        if (list) {
            list.replaceChildren(...alerts.map((alert) => {
                const item = document.createElement('li');
                const words = document.createElement('div');
                const badge = document.createElement('span');
                words.append(link(alert));
                badge.className = `cs-badge cs-is-${alert.tone}`;
                badge.textContent = alert.severity;
                item.append(words, badge);
                return item;
            }));
            none.hidden = alerts.length > 0;
        }
        if (newest !== null && alerts.length && alerts[0].id > newest) {
            toast(alerts[0]);
            status.textContent = `${place.dataset.word} ${alerts[0].text}`;
        }
        newest = Math.max(newest ?? 0, ...alerts.map((alert) => alert.id));
    };
    const heard = (answer) => { tag = answer.headers.get('ETag') || ''; place.dataset.asked = 'yes'; };
    const ask = async () => {
        clearTimeout(timer);
        if (document.hidden) { return; } /* asks again as soon as somebody looks */
        try {
            const headers = { Accept: 'application/json', ...(tag ? { 'If-None-Match': tag } : {}) };
            const answer = await fetch(place.dataset.url, { headers, cache: 'no-store' });
            if (answer.redirected || answer.status === 403) { return; } /* signed out: nothing more to ask */
            if (answer.ok) { show(await answer.json()); heard(answer); }
        } catch { /* the network is away; the next time tries again */ }
        timer = setTimeout(ask, EVERY);
    };
    document.addEventListener('visibilitychange', ask);
    ask();
})();
