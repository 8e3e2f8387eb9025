/* Tells how far the runs on this page are, and shows the page anew when one is over. */
'use strict';
(() => {
    const PAUSE = 2000;
    const look = async (row) => {
        const answer = await fetch(row.dataset.run, { headers: { Accept: 'application/json' } });
        if (!answer.ok) return;
        const told = await answer.json();
        if (told.status === 'done' || told.status === 'failed') {
            window.location.reload();
            return;
        }
        const bar = row.querySelector('progress');
        if (bar) bar.value = told.progress / 100;
        const message = row.querySelector('[data-run-message]');
        if (message && message.textContent !== told.message) message.textContent = told.message;
        window.setTimeout(() => follow(row), PAUSE);
    };
    const follow = (row) => look(row).catch(() => window.setTimeout(() => follow(row), PAUSE * 5));
    document.querySelectorAll('[data-run]').forEach((row) => window.setTimeout(() => follow(row), PAUSE));
})();
