/* The original input: searching in it, and the ways between evidence and the fields that it supports. The page works without. */
'use strict';
(() => {
    const MOST_HITS = 1000;
    const gentle = window.matchMedia('(prefers-reduced-motion: reduce)');

    const typing = (target) => target instanceof HTMLElement
        && (target.isContentEditable || target.matches('textarea, select, input:not([type=radio]):not([type=checkbox])'));

    const unfold = (node) => {
        for (let at = node.parentElement; at; at = at.parentElement) { if (at.tagName === 'DETAILS') { at.open = true; } }
    };

    /* Brings a place into view, in every box that scrolls around it, and only as far as needed. */
    const show = (place, element) => {
        for (let box = element; box && box !== document.body; box = box.parentElement) {
            const scrolls = box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(box).overflowY);
            if (!scrolls) { continue; }
            const inner = place.getBoundingClientRect();
            const outer = box.getBoundingClientRect();
            if (inner.top < outer.top + 72 || inner.bottom > outer.bottom - 72) { box.scrollTop += inner.top - outer.top - box.clientHeight / 3; }
        }
        const at = place.getBoundingClientRect();
        if (at.top < 128 || at.bottom > window.innerHeight - 72) {
            window.scrollBy({ top: at.top - window.innerHeight / 3, behavior: gentle.matches ? 'auto' : 'smooth' });
        }
    };

    /* Search. Hits are painted by the browser's highlights, so the text itself is never touched: nothing moves, and marks
       that break a word into pieces do not hide it. */
    const searching = (find, signal) => {
        const input = find.querySelector('input');
        const said = find.querySelector('output');
        const steps = [...find.querySelectorAll('[data-step]')];
        const places = () => [...document.querySelectorAll('[data-search]')];
        const paint = (name, ranges) => {
            if (!window.CSS || !CSS.highlights) { return; }
            if (ranges.length) { CSS.highlights.set(name, new Highlight(...ranges)); } else { CSS.highlights.delete(name); }
        };
        let hits = [];
        let at = -1;
        let before = '';

        const pieces = (root) => {
            const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) => (
                node.parentElement.closest('.cs-preview, script') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
            const found = [];
            let text = '';
            let block = null;
            while (walker.nextNode()) {
                const node = walker.currentNode;
                const own = node.parentElement.closest('div, dd, dt, td, th, li, p, h3, blockquote, summary, section');
                if (block && own !== block) { text += '\n\n'; }
                block = own;
                found.push({ node, start: text.length });
                text += node.data;
            }
            return { found, text };
        };

        const rangeOf = (found, start, end) => {
            const holding = (offset) => {
                let low = 0;
                let high = found.length - 1;
                while (low < high) {
                    const middle = Math.ceil((low + high) / 2);
                    if (found[middle].start <= offset) { low = middle; } else { high = middle - 1; }
                }
                return found[low];
            };
            const first = holding(start);
            const last = holding(end - 1);
            const range = document.createRange();
            range.setStart(first.node, Math.min(start - first.start, first.node.length));
            range.setEnd(last.node, Math.min(end - last.start, last.node.length));
            return range;
        };

        const pattern = (query) => new RegExp(query.trim().replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+'), 'giu');

        const tell = () => {
            steps.forEach((button) => { button.disabled = hits.length === 0; });
            if (!before) { said.textContent = ''; return; }
            const words = hits.length >= MOST_HITS ? find.dataset.many : find.dataset.count;
            said.textContent = hits.length ? words.replace('{at}', at + 1).replace('{all}', hits.length) : find.dataset.none;
        };

        const go = (to) => {
            if (!hits.length) { return; }
            at = (to + hits.length) % hits.length;
            const range = hits[at];
            const element = range.startContainer.parentElement;
            unfold(range.startContainer);
            unfold(range.endContainer);
            paint('cs-find-now', [range]);
            show(range, element);
            tell();
        };

        const search = () => {
            const query = input.value.trim();
            if (query === before) { return; }
            before = query;
            hits = [];
            at = -1;
            if (query) {
                for (const root of places()) {
                    const { found, text } = pieces(root);
                    for (const hit of text.matchAll(pattern(query))) {
                        if (hits.length >= MOST_HITS) { break; }
                        hits.push(rangeOf(found, hit.index, hit.index + hit[0].length));
                    }
                }
            }
            paint('cs-find', hits);
            paint('cs-find-now', []);
            if (hits.length) { go(0); } else { tell(); }
        };

        paint('cs-find', []); /* what was found in the case before */
        paint('cs-find-now', []);
        find.hidden = false;
        let waiting = 0;
        input.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
        input.addEventListener('keydown', (event) => {
            if (event.key === 'Enter') {
                event.preventDefault();
                clearTimeout(waiting);
                if (input.value.trim() === before) { go(at + (event.shiftKey ? -1 : 1)); } else { search(); }
            } else if (event.key === 'Escape') {
                input.value = '';
                search();
                input.blur();
            }
        });
        find.addEventListener('submit', (event) => event.preventDefault());
        steps.forEach((button) => button.addEventListener('click', () => go(at + Number(button.dataset.step))));
        document.addEventListener('keydown', (event) => {
            if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || event.target.closest('dialog')) { return; }
            if (document.body.dataset.keys === 'off') { return; }
            event.preventDefault();
            input.focus();
            input.select();
        }, { signal });
    };

    /* Evidence: a field and the words that speak for it light up together, whichever of the two is pointed at. */
    const idsOf = (mark) => (mark.dataset.supports || '').split(' ').filter(Boolean);
    const holderOf = (id) => {
        const field = document.getElementById(id);
        return field && (field.closest('[data-field]') || field);
    };
    const partners = (target) => {
        const mark = target.closest('mark[data-supports]');
        const fields = mark ? idsOf(mark).map(holderOf).filter(Boolean) : [target.closest('[data-field]')].filter(Boolean);
        const marks = fields.length ? [...document.querySelectorAll('mark[data-supports]')].filter(
            (one) => idsOf(one).some((id) => fields.includes(holderOf(id)))) : [];
        return marks.length ? [...fields, ...marks] : [];
    };
    let lit = [];
    const light = (event) => {
        lit.forEach((one) => one.classList.remove('cs-is-lit'));
        lit = event && event.target instanceof Element ? partners(event.target) : [];
        lit.forEach((one) => one.classList.add('cs-is-lit'));
    };

    /* A link to evidence or to a field opens what is folded above it, and goes no further than needed. */
    document.addEventListener('click', (event) => {
        const link = event.target instanceof Element && event.target.closest('a[href^="#evidence-"], mark[data-supports] a[href^="#field-"]');
        if (!link) { return; }
        const target = document.getElementById(link.hash.slice(1));
        const holder = target && !link.hash.startsWith('#evidence-') ? holderOf(target.id) : target;
        if (!holder) { return; }
        event.preventDefault();
        unfold(target);
        show(holder, holder);
        const control = holder.matches('mark') ? holder.querySelector('a') : holder.querySelector('input:checked, input, select, textarea');
        if (control) { control.focus({ preventScroll: true }); }
        light({ target: holder });
        if (holder.matches('mark')) { holder.classList.add('cs-is-lit'); lit.push(holder); }
    });

    ['pointerover', 'focusin'].forEach((name) => document.addEventListener(name, light));
    ['focusout', 'pointerleave'].forEach((name) => document.addEventListener(name, () => light(null)));

    /* The desk shows one case after another without loading a page. */
    const whenShown = (start) => (window.desk ? window.desk.shown(start) : start());
    whenShown((signal) => {
        const find = document.querySelector('[data-find]');
        if (find) { searching(find, signal); }
    });
})();
