/* Before the first paint: light, dark or auto, and whether the sidebar is folded away. */
'use strict';
(() => {
    const root = document.documentElement;
    const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
    const theme = kept('theme');
    root.dataset.theme = ['light', 'dark'].includes(theme) ? theme : 'auto';
    root.dataset.side = kept('countersign-side') === 'closed' ? 'closed' : 'open';
})();
