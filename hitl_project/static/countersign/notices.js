/* The bell: asks now and then, while the page is seen, what is new for this account. Texts are texts, never markup. */
'use strict';
(() => {
    const bell = document.querySelector('[data-bell]');
    const box = document.getElementById('notices');
    if (!bell || !box || !box.showPopover) { return; }
    const badge = bell.querySelector('[data-bell-count]');
    const list = box.querySelector('[data-bell-list]');
    const none = box.querySelector('[data-bell-none]');
    const all = box.querySelector('[data-bell-all]');
    const status = document.querySelector('[data-bell-status]');
    const sprite = bell.querySelector('use').getAttribute('href').split('#')[0];
    const token = document.querySelector('input[name=csrfmiddlewaretoken]');
    const SVG = 'http://www.w3.org/2000/svg';
    const EVERY = 20000;
    const MOST = 100;
    let newest = null; /* the first answer is no news */
    let listed = '';
    let timer = 0;

    const text = (tag, words) => {
        const made = document.createElement(tag);
        made.textContent = words;
        return made;
    };
    const icon = (name) => {
        const drawn = document.createElementNS(SVG, 'svg');
        const use = document.createElementNS(SVG, 'use');
        drawn.setAttribute('class', 'cs-icon');
        drawn.setAttribute('width', '18');
        drawn.setAttribute('height', '18');
        drawn.setAttribute('aria-hidden', 'true');
        use.setAttribute('href', `${sprite}#${name}`);
        drawn.append(use);
        return drawn;
    };
    const row = (notice) => {
        const item = document.createElement('li');
        const link = document.createElement('a');
        const title = text('strong', `${notice.title} ${notice.case}`);
        const words = [notice.sender, notice.text].filter(Boolean).join(': ');
        link.href = notice.url;
        link.append(icon(notice.icon), title, text('time', notice.at));
        if (words) { link.append(text('p', words)); }
        item.append(link);
        return item;
    };

    const show = ({ count, notices }) => {
        const told = count >= MOST ? `${MOST - 1}+` : String(count);
        badge.textContent = told;
        badge.hidden = count === 0;
        bell.setAttribute('aria-label', count ? bell.dataset.unseen.replace('COUNT', told) : bell.dataset.label);
        const latest = JSON.stringify(notices);
        if (latest !== listed) { list.replaceChildren(...notices.map(row)); } /* else the focus would be lost */
        listed = latest;
        none.hidden = notices.length > 0;
        all.hidden = notices.length === 0;
        const first = notices.length ? notices[0].id : 0;
        if (newest !== null && first > newest) {
            status.textContent = bell.dataset.news.replace('TEXT', () => `${notices[0].title} ${notices[0].case}`);
        }
        newest = Math.max(newest ?? 0, first);
    };
    const ask = async () => {
        clearTimeout(timer);
        if (document.hidden) { return; } /* asks again as soon as somebody looks */
        try {
            const answer = await fetch(bell.dataset.url, { headers: { Accept: 'application/json' } });
            if (answer.redirected || answer.status === 403) { return; } /* signed out: nothing more to ask */
            if (answer.ok) { show(await answer.json()); }
        } catch { /* the network is away; the next time tries again */ }
        timer = setTimeout(ask, EVERY);
    };

    bell.setAttribute('role', 'button');
    bell.setAttribute('aria-haspopup', 'dialog');
    bell.setAttribute('aria-expanded', 'false');
    box.addEventListener('toggle', (event) => bell.setAttribute('aria-expanded', String(event.newState === 'open')));
    let wasOpen = false; /* a press outside closes the list before the click arrives */
    bell.addEventListener('pointerdown', () => { wasOpen = box.matches(':popover-open'); });
    bell.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) { return; }
        event.preventDefault();
        box.togglePopover(!wasOpen && !box.matches(':popover-open'));
        wasOpen = false;
        if (box.matches(':popover-open')) { (list.querySelector('a') || box.querySelector('a')).focus(); ask(); }
    });
    bell.addEventListener('keydown', (event) => { if (event.key === ' ') { event.preventDefault(); bell.click(); } });
    box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { box.hidePopover(); bell.focus(); } });
    all.addEventListener('click', async () => {
        try {
            const answer = await fetch(bell.dataset.seenUrl, { method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token.value } });
            if (answer.ok) { show(await answer.json()); (box.querySelector('.cs-notices-foot a')).focus(); }
        } catch { /* the network is away; the list stays */ }
    });
    document.addEventListener('visibilitychange', ask);
    ask();
})();
