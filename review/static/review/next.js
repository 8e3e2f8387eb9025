/* The next case without loading a page: a form is sent in the background, and the answer, which is the next page, is
   swapped in. Where anything is unusual the form is sent the plain way. */
'use strict';
(() => {
    const { desk } = window;
    const ADDRESS = 'X-Desk-Address';
    let busy = false;

    const swap = (html, address) => {
        const page = new DOMParser().parseFromString(html, 'text/html');
        const fresh = page.getElementById('content-start');
        if (!fresh) { return false; }
        const crumbs = document.querySelector('.breadcrumbs');
        const theirs = page.querySelector('.breadcrumbs');
        if (crumbs && theirs) { crumbs.replaceWith(document.importNode(theirs, true)); }
        desk.main().replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
        document.title = page.title;
        document.body.className = page.body.className;
        if (address) { window.history.pushState({ desk: true }, '', address); }
        return true;
    };
    /* Focus goes to the heading, so that a screen reader tells which case this is and keys work at once. */
    const arrive = () => {
        desk.swapped();
        window.scrollTo(0, 0);
        const heading = desk.main().querySelector('[role=alert]:not([hidden])') || desk.main().querySelector('h1');
        if (heading) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); }
    };
    const send = async (form, button) => {
        const body = new URLSearchParams(new FormData(form));
        if (button && button.name) { body.set(button.name, button.value); }
        const answer = await fetch(form.action, { method: 'POST', body, headers: { 'X-Desk-Swap': '1' } });
        if ((answer.status === 403 || answer.redirected) && !answer.headers.has(ADDRESS)) {
            if (document.getElementById('signed-out')) { document.dispatchEvent(new CustomEvent('desk:signed-out')); } else { window.location.reload(); }
            return;
        }
        const html = await answer.text();
        if (!swap(html, answer.headers.get(ADDRESS))) { throw new Error(String(answer.status)); }
        arrive();
    };

    document.addEventListener('submit', async (event) => {
        const form = event.target;
        if (event.defaultPrevented || !form.matches('form[data-swap]') || !window.fetch) { return; }
        if (busy) { event.preventDefault(); return; }
        event.preventDefault();
        busy = true;
        form.setAttribute('aria-busy', 'true');
        const button = event.submitter;
        try {
            if (form.hasAttribute('data-aside')) { await desk.keepDraft(); }
            await send(form, button);
        } catch {
            form.removeAttribute('data-swap'); /* the network or the page is not as expected: the browser's own way tells */
            busy = false;
            form.requestSubmit(button);
        } finally {
            busy = false;
            form.removeAttribute('aria-busy');
            form.dispatchEvent(new CustomEvent('desk:refused'));
        }
    });
    window.addEventListener('popstate', () => window.location.reload());
})();
