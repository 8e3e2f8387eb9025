/* The review desk's helpers: keys, lease, draft, active time. Every page works without them. */
'use strict';
(() => {
    const form = document.getElementById('decision');
    const lease = document.getElementById('lease');
    const toast = document.querySelector('.cs-toast');
    const store = {
        get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
        set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* private mode */ } },
        drop(key) { try { sessionStorage.removeItem(key); } catch { /* private mode */ } },
    };

    /* Keys: asleep while somebody types. */
    const typing = (target) => target instanceof HTMLElement
        && (target.isContentEditable || target.matches('textarea, select, input:not([type=radio]):not([type=checkbox])'));

    const press = (button) => {
        const note = document.getElementById('note');
        if (button.hasAttribute('data-needs-note') && note && !note.value.trim()) {
            const box = note.closest('details');
            if (box) { box.open = true; }
            note.focus();
            note.dataset.then = button.value;
            return;
        }
        button.click();
    };

    document.addEventListener('keydown', (event) => {
        if (event.key === 'Escape' && typing(event.target)) { event.target.blur(); return; }
        if (event.target instanceof HTMLElement && event.target.id === 'note' && event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            const wanted = form && form.querySelector(`button[value="${event.target.dataset.then || ''}"]`);
            if (wanted) { event.preventDefault(); wanted.click(); }
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) { return; }
        const key = event.key.toLowerCase();
        const digit = /^[1-9]$/.test(key) && form && form.querySelector(`input[data-digit="${key}"]`);
        const likely = !digit && /^[1-9]$/.test(key) && form && form.querySelector(`option[data-digit="${key}"]`);
        if (likely) {
            event.preventDefault();
            const list = likely.closest('select');
            list.value = likely.value;
            list.dispatchEvent(new Event('change', { bubbles: true }));
            return;
        }
        if (digit) { event.preventDefault(); digit.click(); digit.focus(); return; }
        if (key === 'n' && document.getElementById('note')) {
            event.preventDefault();
            const note = document.getElementById('note');
            const box = note.closest('details');
            if (box) { box.open = true; }
            note.focus();
            return;
        }
        const button = /^[a-z]$/.test(key) && document.querySelector(`main button[data-key="${key}"]:not([disabled])`);
        if (button) { event.preventDefault(); press(button); }
    });

    if (form) {
        form.addEventListener('submit', (event) => {
            const button = event.submitter;
            const note = document.getElementById('note');
            if (button && button.hasAttribute('data-needs-note') && note && !note.value.trim()) {
                event.preventDefault();
                press(button);
                return;
            }
            if (form.dataset.sent) { event.preventDefault(); return; }
            form.dataset.sent = 'yes';
        });
        window.addEventListener('pageshow', () => { delete form.dataset.sent; });
    }

    /* Draft: kept in this tab until the task is done. */
    const fields = () => [...form.elements].filter((one) => one.name && (one.name.startsWith('output') || one.name === 'note'));
    const snapshot = () => fields().map((one) => (one.matches('[type=radio], [type=checkbox]') ? [one.name, one.value, one.checked] : [one.name, one.value]));
    const same = (left, right) => JSON.stringify(left) === JSON.stringify(right);

    if (form && form.dataset.draft) {
        const key = `countersign-draft-${form.dataset.draft}`;
        const original = snapshot();
        const kept = form.hasAttribute('data-typed') ? null : store.get(key);
        const approve = form.querySelector('[data-if-unchanged]');
        const save = form.querySelector('[data-if-changed]');
        const answers = (rows) => rows.filter(([name]) => name !== 'note');
        const restore = (rows) => fields().forEach((one, index) => {
            const row = rows[index];
            if (!row || row[0] !== one.name) { return; }
            if (one.matches('[type=radio], [type=checkbox]')) { one.checked = Boolean(row[2]) && row[1] === one.value; } else { one.value = row[1]; }
        });
        const lead = () => {
            if (!approve || !save) { return; }
            const changed = form.hasAttribute('data-typed') || !same(answers(snapshot()), answers(original));
            save.classList.toggle('cs-primary', changed);
            approve.classList.toggle('cs-primary', !changed);
            approve.disabled = changed && !form.hasAttribute('data-typed');
        };
        if (kept && !same(kept, original)) {
            restore(kept);
            const told = form.querySelector('[data-draft-note]');
            told.hidden = false;
            told.querySelector('[data-draft-drop]').addEventListener('click', () => { restore(original); store.drop(key); told.hidden = true; lead(); });
        }
        form.addEventListener('input', () => { store.set(key, snapshot()); lead(); });
        form.addEventListener('change', () => { store.set(key, snapshot()); lead(); });
        lead();
    }

    /* Active time: runs while the page is seen and somebody has stirred in the last minute. */
    const IDLE = 60000;
    let stirred = Date.now();
    const stir = () => { stirred = Date.now(); };
    ['keydown', 'pointerdown', 'pointermove', 'scroll', 'touchstart'].forEach((name) => document.addEventListener(name, stir, { passive: true }));
    const counter = form && form.elements.active_seconds;
    if (counter) {
        let last = performance.now();
        const count = () => {
            const now = performance.now();
            if (!document.hidden && Date.now() - stirred < IDLE) { counter.value = (Number(counter.value) + (now - last) / 1000).toFixed(1); }
            last = now;
        };
        setInterval(count, 500);
        document.addEventListener('visibilitychange', count);
        form.addEventListener('submit', count);
    }

    /* Lease: time left, heartbeat while somebody works, a warning before it ends. */
    if (lease) {
        let ends = Date.now() + Number(lease.dataset.seconds) * 1000;
        const whole = Math.max(60, Number(lease.dataset.seconds));
        const left = lease.querySelector('[data-left]');
        const warning = document.getElementById('lease-warning');
        const lost = document.getElementById('lease-lost');
        let beaten = Date.now();
        const gone = (detail) => {
            lost.hidden = false;
            lost.querySelector('[data-detail]').textContent = detail;
            warning.hidden = true;
            lease.hidden = true;
            ends = 0;
        };
        const beat = async () => {
            beaten = Date.now();
            const body = new URLSearchParams({ lease_token: lease.dataset.token });
            const token = document.querySelector('input[name=csrfmiddlewaretoken]').value;
            try {
                const answer = await fetch(lease.dataset.url, { method: 'POST', body, headers: { 'X-CSRFToken': token, Accept: 'application/json' } });
                if (answer.ok && answer.headers.get('Content-Type').startsWith('application/json')) { ends = Date.now() + (await answer.json()).seconds * 1000; } else if (answer.status === 409) { gone((await answer.json()).detail); }
            } catch { /* the network is away; the next beat tries again */ }
        };
        const tick = () => {
            if (!ends) { return; }
            const seconds = Math.max(0, Math.round((ends - Date.now()) / 1000));
            left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
            lease.classList.toggle('cs-is-short', seconds < 60);
            warning.hidden = seconds >= 60 || seconds === 0;
            const active = !document.hidden && Date.now() - stirred < IDLE;
            if (active && Date.now() - beaten > Math.min(60000, whole * 250)) { beat(); }
            if (seconds === 0) { beat(); }
        };
        tick();
        setInterval(tick, 1000);
    }

    /* Toast: undo while it can be, and no repetition on reload. */
    if (toast) {
        const undo = toast.querySelector('[data-undo][data-seconds]');
        if (undo) { setTimeout(() => { undo.closest('form').remove(); }, Number(undo.dataset.seconds) * 1000); }
        Object.keys(sessionStorage).filter((key) => key.startsWith(`countersign-draft-${toast.dataset.done}-`)).forEach(store.drop);
        const address = new URL(window.location.href);
        address.searchParams.delete('after');
        window.history.replaceState(null, '', address);
    }
})();
