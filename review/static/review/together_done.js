/* The undo of cases decided together goes when their grace has ended. */
'use strict';
(() => {
    const undo = document.querySelector('[data-undo][data-seconds]');
    if (!undo) { return; }
    const ends = Date.now() + Number(undo.dataset.seconds) * 1000;
    const timer = setInterval(() => {
        if (Date.now() < ends) { return; }
        clearInterval(timer);
        undo.closest('form').remove();
        document.querySelectorAll('[data-while-undoing]').forEach((words) => words.remove());
    }, 1000);
})();
