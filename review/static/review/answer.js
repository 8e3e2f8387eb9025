/* The answer's form: live differences against the machine's draft, rows of tables, links to fields. Every page works without. */
'use strict';
(() => {
    const WORDS = /\s+|[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]/gu;
    const MOST = 4000; // words together; beyond them whole lines are compared
    const WAIT = 150; // ms without a key before the differences are shown anew

    const units = (before, after) => {
        const old = before.match(WORDS) || [];
        const now = after.match(WORDS) || [];
        return old.length + now.length > MOST ? [before.match(/[^\n]*\n|[^\n]+/g) || [], after.match(/[^\n]*\n|[^\n]+/g) || []] : [old, now];
    };

    /* The longest common subsequence of what lies between the common start and the common end. */
    const pieces = (before, after) => {
        const [old, now] = units(before, after);
        let start = 0;
        while (start < old.length && start < now.length && old[start] === now[start]) { start += 1; }
        let end = 0;
        while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) { end += 1; }
        const a = old.slice(start, old.length - end);
        const b = now.slice(start, now.length - end);
        const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
        for (let i = a.length - 1; i >= 0; i -= 1) {
            for (let j = b.length - 1; j >= 0; j -= 1) { table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]); }
        }
        const found = [['same', old.slice(0, start).join('')]];
        const add = (kind, text) => {
            if (found[found.length - 1][0] === kind) { found[found.length - 1][1] += text; } else { found.push([kind, text]); }
        };
        let [i, j] = [0, 0];
        while (i < a.length || j < b.length) {
            if (i < a.length && j < b.length && a[i] === b[j]) { add('same', a[i]); i += 1; j += 1; } else if (i < a.length && (j === b.length || table[i + 1][j] >= table[i][j + 1])) { add('gone', a[i]); i += 1; } else { add('new', b[j]); j += 1; }
        }
        add('same', end ? old.slice(old.length - end).join('') : '');
        return found.filter(([, text]) => text);
    };

    const node = (kind, text, words) => {
        if (kind === 'same') { return document.createTextNode(text); }
        const element = document.createElement(kind === 'gone' ? 'del' : 'ins');
        const told = document.createElement('span');
        told.className = 'visually-hidden';
        told.textContent = `${words[kind]} `;
        element.append(told, text);
        return element;
    };

    const showDifferences = () => {
        document.querySelectorAll('[data-changes-of]').forEach((box) => {
            const area = document.getElementById(box.dataset.changesOf);
            if (!area) { return; }
            const kept = box.querySelector('template[data-draft]');
            const draft = kept ? kept.content.textContent.replace(/\r\n?/g, '\n') : area.defaultValue;
            const words = { gone: box.dataset.gone, new: box.dataset.new };
            const shown = box.querySelector('.cs-diff');
            let timer = 0;
            const compare = () => {
                box.hidden = area.value === draft;
                shown.replaceChildren(...(box.hidden ? [] : pieces(draft, area.value).map(([kind, text]) => node(kind, text, words))));
            };
            area.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(compare, WAIT); });
            compare(); // a draft kept by the browser may have changed it already
        });
    };

    /* Rows: the empty ones wait until they are asked for. */
    const readyRows = () => {
        document.querySelectorAll('[data-rows]').forEach((rows) => {
            const add = rows.querySelector(':scope > [data-add-row]');
            const body = rows.querySelector('[data-rows-body]');
            const pattern = rows.querySelector(':scope > template[data-row-pattern]');
            if (!add || !body || !pattern) { return; }
            const empty = (row) => [...row.querySelectorAll('input, select, textarea')].every((one) => (one.matches('[type=radio], [type=checkbox]') ? !one.checked || !one.value : !one.value));
            const spares = () => [...body.children].filter((row) => row.hasAttribute('data-spare') && row.hidden);
            let next = Number(rows.dataset.rows);
            [...body.children].forEach((row) => { if (row.hasAttribute('data-spare') && empty(row)) { row.hidden = true; } });
            const made = () => {
                const holder = document.createElement('template');
                holder.innerHTML = pattern.innerHTML.replaceAll('__row__', String(next)).replaceAll('__number__', String(next + 1));
                next += 1;
                return holder.content.firstElementChild;
            };
            add.hidden = false;
            add.addEventListener('click', () => {
                const row = spares()[0] || body.appendChild(made());
                row.hidden = false;
                const first = row.querySelector('input:not([type=checkbox]), select, textarea');
                if (first) { first.focus(); }
            });
        });
    };

    /* The desk shows one case after another without loading a page. */
    const whenShown = (start) => (window.desk ? window.desk.shown(start) : start());
    whenShown(() => { showDifferences(); readyRows(); });

    /* From the list of doubtful fields, and from the marks in the text, straight into the field. */
    document.addEventListener('click', (event) => {
        const link = event.target instanceof Element && event.target.closest('a[href^="#field-"]');
        const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
        if (!target) { return; }
        event.preventDefault();
        target.scrollIntoView({ block: 'center' });
        const control = target.matches('fieldset') ? target.querySelector('input:checked, input, select, textarea') : target;
        if (control) { control.focus({ preventScroll: true }); }
    });
})();
