/* The command palette: Ctrl-K or Cmd-K. Whatever the server sends is text, never markup. */
'use strict';
(() => {
    const dialog = document.getElementById('palette');
    if (!dialog || !dialog.showModal) { return; }
    const query = dialog.querySelector('#palette-query');
    const list = dialog.querySelector('#palette-list');
    const none = dialog.querySelector('[data-palette-none]');
    const status = dialog.querySelector('[data-palette-status]');
    const form = dialog.querySelector('[data-palette-post]');
    const sprite = dialog.querySelector('use').getAttribute('href').split('#')[0];
    const mac = /Mac|iPhone|iPad/.test(navigator.platform);
    const SVG = 'http://www.w3.org/2000/svg';
    const WAIT = 120;
    let standing = null; /* pages and actions, asked for once per page */
    let cases = { term: '', groups: [] };
    let failed = false;
    let chosen = 0;
    let timer = 0;
    let asked = 0;

    document.querySelectorAll('[data-palette]').forEach((button) => {
        button.hidden = false;
        button.addEventListener('click', () => open());
    });
    if (mac) { document.querySelectorAll('[data-palette-keys]').forEach((keys) => { keys.textContent = '⌘K'; }); }

    const ask = async (term) => {
        const answer = await fetch(`${dialog.dataset.url}?q=${encodeURIComponent(term)}`, { headers: { Accept: 'application/json' } });
        if (!answer.ok || answer.redirected) { throw new Error(String(answer.status)); }
        return (await answer.json()).groups;
    };

    /* Searching what stands already: every word must occur in the title or the hint; titles that begin with it come first. */
    const plain = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    const matching = (groups, term) => {
        const words = plain(term).split(/\s+/).filter(Boolean);
        const fits = (item) => words.every((word) => plain(`${item.title} ${item.hint || ''}`).includes(word));
        const first = (item) => (plain(item.title).startsWith(words[0] || '') ? 0 : 1);
        return groups
            .map((group) => ({ title: group.title, items: group.items.filter(fits).sort((a, b) => first(a) - first(b)) }))
            .filter((group) => group.items.length);
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
    const text = (tag, words) => {
        const made = document.createElement(tag);
        made.textContent = words;
        return made;
    };
    const option = (item, number) => {
        const row = document.createElement('div');
        row.className = 'cs-palette-option';
        row.id = `palette-option-${number}`;
        row.setAttribute('role', 'option');
        row.append(icon(item.icon), text('span', item.title), text('span', item.hint || ''));
        row.addEventListener('click', () => run(item));
        row.addEventListener('pointermove', () => select(number));
        row.item = item;
        return row;
    };
    const section = (group, from) => {
        const box = document.createElement('div');
        const title = text('p', group.title);
        box.className = 'cs-palette-group';
        box.setAttribute('role', 'group');
        box.setAttribute('aria-label', group.title);
        title.setAttribute('aria-hidden', 'true');
        box.append(title, ...group.items.map((item, index) => option(item, from + index)));
        return box;
    };
    const options = () => [...list.querySelectorAll('[role=option]')];

    const select = (number) => {
        const rows = options();
        chosen = rows.length ? (number + rows.length) % rows.length : 0;
        rows.forEach((row, index) => row.setAttribute('aria-selected', String(index === chosen)));
        if (!rows.length) { query.removeAttribute('aria-activedescendant'); return; }
        query.setAttribute('aria-activedescendant', rows[chosen].id);
        rows[chosen].scrollIntoView({ block: 'nearest' });
    };

    const draw = () => {
        const term = query.value.trim();
        const found = cases.term === term ? cases.groups : [];
        let count = 0;
        list.replaceChildren(...[...found, ...matching(standing || [], term)].map((group) => {
            const box = section(group, count);
            count += group.items.length;
            return box;
        }));
        const waiting = !failed && (standing === null || (term && cases.term !== term));
        none.textContent = failed ? dialog.dataset.failed : dialog.dataset.none;
        none.hidden = count > 0 || waiting;
        status.textContent = waiting ? '' : (count ? dialog.dataset.found.replace('COUNT', count) : none.textContent);
        select(0);
    };

    const search = async () => {
        const term = query.value.trim();
        asked += 1;
        const mine = asked;
        try {
            if (standing === null) { standing = await ask(''); }
            const groups = term ? await ask(term) : [];
            if (mine !== asked) { return; }
            failed = false;
            cases = { term, groups };
        } catch {
            failed = true;
        }
        if (mine === asked) { draw(); }
    };

    const run = (item) => {
        dialog.close();
        if (item.theme) {
            document.dispatchEvent(new CustomEvent('countersign:theme', { detail: item.theme }));
        } else if (item.print) {
            window.print();
        } else if (item.post) {
            form.action = item.post;
            form.submit();
        } else {
            window.location.assign(item.url);
        }
    };

    const open = () => {
        if (dialog.open) { return; }
        document.querySelectorAll('[popover]:popover-open').forEach((other) => other.hidePopover());
        query.value = '';
        cases = { term: '', groups: [] };
        dialog.showModal(); /* the browser gives the focus back when it closes */
        draw();
        search();
    };

    query.addEventListener('input', () => {
        clearTimeout(timer);
        draw();
        timer = setTimeout(search, WAIT);
    });
    query.addEventListener('keydown', (event) => {
        const steps = { ArrowDown: 1, ArrowUp: -1 };
        if (event.isComposing) { return; }
        if (event.key in steps) { event.preventDefault(); select(chosen + steps[event.key]); }
        if ((event.key === 'Home' || event.key === 'End') && !query.value) { event.preventDefault(); select(event.key === 'Home' ? 0 : -1); }
        if (event.key === 'Enter') {
            event.preventDefault();
            const row = options()[chosen];
            if (row) { run(row.item); }
        }
    });
    dialog.addEventListener('keydown', (event) => event.stopPropagation()); /* the desk's keys sleep meanwhile */
    dialog.addEventListener('click', (event) => { if (event.target === dialog) { dialog.close(); } });
    document.addEventListener('keydown', (event) => {
        if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
            event.preventDefault();
            if (dialog.open) { dialog.close(); } else { open(); }
        }
    }, true);
})();
