// The rows of a policy's form: added, removed and moved by buttons. Without this the empty row and the position do.
'use strict';
(function () {
    const form = document.querySelector('.cs-p-form');
    if (!form) return;
    const status = form.querySelector('[data-status]');
    const RENAMED = ['name', 'id', 'for', 'data-rows', 'data-add', 'aria-describedby'];

    function rowsOf(list) {
        return Array.from(list.children).filter((one) => 'row' in one.dataset);
    }

    function number(list) {
        rowsOf(list).forEach(function (row, n) {
            const shown = row.querySelector('[data-number]');
            const position = row.querySelector('[data-position]');
            if (shown) shown.textContent = String(n + 1);
            if (position) position.value = String(n + 1);
        });
    }

    function say(text, row, list) {
        if (!status || !text) return;
        const rows = rowsOf(list);
        status.textContent = text.replace('{number}', String(rows.indexOf(row) + 1)).replace('{count}', String(rows.length));
    }

    function nextNumber(list, prefix) {
        const names = Array.from(list.querySelectorAll('[name^="' + prefix + '-"]'), (one) => one.name);
        return Math.max(-1, ...names.map((name) => parseInt(name.slice(prefix.length + 1), 10))) + 1;
    }

    function renamed(element, from, to) {
        RENAMED.forEach(function (attribute) {
            const value = element.getAttribute(attribute);
            if (value && (value + '-').startsWith(from)) element.setAttribute(attribute, (to + (value + '-').slice(from.length)).slice(0, -1));
        });
    }

    function emptied(row) {
        row.querySelectorAll('.cs-errors').forEach((one) => one.remove());
        row.querySelectorAll('[aria-invalid]').forEach((one) => one.removeAttribute('aria-invalid'));
        row.querySelectorAll('input').forEach(function (input) {
            if (input.type === 'checkbox') input.checked = false; else if (!('position' in input.dataset)) input.value = '';
        });
        row.querySelectorAll('[data-rows]').forEach((inner) => rowsOf(inner).slice(1).forEach((one) => one.remove()));
        const reason = row.querySelector('select[name$="-reason"]');
        if (reason) reason.value = '';
        return row;
    }

    function added(list) {
        const prefix = list.dataset.rows;
        const rows = rowsOf(list);
        const row = emptied(rows[rows.length - 1].cloneNode(true));
        const first = row.querySelector('[name^="' + prefix + '-"]').name;
        const from = prefix + '-' + parseInt(first.slice(prefix.length + 1), 10) + '-';
        const to = prefix + '-' + nextNumber(list, prefix) + '-';
        row.querySelectorAll('*').forEach((element) => renamed(element, from, to));
        list.append(row);
        number(list);
        row.querySelector('select, input:not([data-position])').focus();
        say(list.dataset.said, row, list);
    }

    function dropped(row, list) {
        const rows = rowsOf(list);
        if (rows.length === 1) emptied(row);
        else {
            const next = rows[rows.indexOf(row) + 1] || rows[rows.indexOf(row) - 1];
            row.remove();
            next.querySelector('button:not([hidden])').focus();
        }
        number(list);
        say(list.dataset.gone, row, list);
    }

    function moved(row, list, up, button) {
        const rows = rowsOf(list);
        const other = rows[rows.indexOf(row) + (up ? -1 : 1)];
        if (!other) return;
        if (up) other.before(row); else other.after(row);
        number(list);
        button.focus();
        say(list.dataset.said, row, list);
    }

    form.addEventListener('click', function (event) {
        const button = event.target.closest('button[type="button"]');
        if (!button) return;
        if (button.dataset.add) return void added(form.querySelector('[data-rows="' + CSS.escape(button.dataset.add) + '"]'));
        const row = button.closest('[data-row]');
        if ('drop' in button.dataset) dropped(row, row.parentElement);
        if (button.dataset.move) moved(row, row.parentElement, button.dataset.move === 'up', button);
    });

    form.querySelectorAll('[data-add], [data-drop], [data-move]').forEach((one) => { one.hidden = false; });
    form.querySelectorAll('[data-plain]').forEach((one) => { one.hidden = true; });
    const first = document.querySelector('[data-focus]') || document.getElementById('trial');
    if (first) first.focus();
})();
