/* The frame's memory: appearance, the sidebar, its groups. Every page works without it. */
'use strict';
(() => {
    const root = document.documentElement;
    const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode */ } };
    const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };

    /* Appearance: the palette and other tabs change it too. */
    const buttons = [...document.querySelectorAll('[data-theme-is]')];
    const show = (theme) => {
        root.dataset.theme = theme;
        buttons.forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.themeIs === theme)));
    };
    const choose = (theme) => { keep('theme', theme); show(theme); };
    buttons.forEach((button) => button.addEventListener('click', () => choose(button.dataset.themeIs)));
    document.querySelectorAll('[data-theme-buttons]').forEach((group) => { group.hidden = false; });
    document.addEventListener('countersign:theme', (event) => choose(event.detail));
    window.addEventListener('storage', (event) => { if (event.key === 'theme') { show(event.newValue || 'auto'); } });
    show(root.dataset.theme);

    /* Sidebar. */
    const toggle = document.querySelector('[data-side-toggle]');
    if (toggle) {
        const fold = (side) => { root.dataset.side = side; toggle.setAttribute('aria-expanded', String(side === 'open')); };
        toggle.hidden = false;
        fold(root.dataset.side);
        toggle.addEventListener('click', () => {
            fold(root.dataset.side === 'open' ? 'closed' : 'open');
            keep('countersign-side', root.dataset.side);
        });
    }

    /* Its groups: folded ones stay folded, except around the page one is on. */
    const KEY = 'countersign-folded';
    const folded = new Set((kept(KEY) || '').split(' ').filter(Boolean));
    document.querySelectorAll('details[data-group]').forEach((group) => {
        if (folded.has(group.dataset.group) && !group.querySelector('[aria-current]')) { group.open = false; }
        group.querySelector('summary').addEventListener('click', () => {
            folded[group.open ? 'add' : 'delete'](group.dataset.group);
            keep(KEY, [...folded].join(' '));
        });
    });
})();
