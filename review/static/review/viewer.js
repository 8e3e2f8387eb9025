/* Attachments: one at a time, with zoom, turning, moving and the pages of PDFs. Without it all stand one below another. */
'use strict';
(() => {
    const STEP = 1.25;
    const LEAST = 0.05;
    const MOST = 8;

    const viewing = (viewer) => {
        const image = viewer.querySelector('img');
        const stage = viewer.querySelector('[data-stage]');
        const canvas = viewer.querySelector('[data-canvas]');
        const bar = viewer.querySelector('[data-bar]');
        const said = viewer.querySelector('[data-zoom-said]');
        const broken = viewer.querySelector('[data-broken]');
        const button = (name) => viewer.querySelector(`[data-do="${name}"]`);
        const density = Number(viewer.dataset.density || 1); /* pages are drawn sharper than they are large */
        let zoom = 0; /* 0: fit */
        let turned = 0;
        let page = Number(viewer.dataset.page || 1);
        let pages = page;
        let address = '';

        const size = () => [image.naturalWidth / density, image.naturalHeight / density];
        const natural = () => (turned % 2 ? size().reverse() : size());
        /* Fits the width and the height of the box, and never makes a small picture larger than it is. */
        const fitting = () => {
            const [width, height] = natural();
            const room = Math.max(window.innerHeight * 0.7, 240);
            return Math.min(1, canvas.clientWidth / (width || 1), room / (height || 1));
        };
        const scale = () => zoom || fitting();

        const draw = () => {
            if (!image.naturalWidth || !canvas.clientWidth) { return; }
            const factor = scale();
            const [width, height] = natural();
            stage.style.width = `${Math.round(width * factor)}px`;
            stage.style.height = `${Math.round(height * factor)}px`;
            image.style.width = `${Math.round(size()[0] * factor)}px`;
            image.style.height = `${Math.round(size()[1] * factor)}px`;
            image.style.transform = `translate(-50%, -50%) rotate(${turned * 90}deg)`;
            viewer.classList.add('cs-is-drawn');
            canvas.classList.toggle('cs-is-larger', width * factor > canvas.clientWidth + 1 || height * factor > canvas.clientHeight + 1);
            said.textContent = viewer.dataset.zoom.replace('{zoom}', Math.round(factor * 100));
            button('fit').setAttribute('aria-pressed', String(zoom === 0));
            button('full').setAttribute('aria-pressed', String(zoom === 1));
            button('out').disabled = factor <= LEAST;
            button('in').disabled = factor >= MOST;
        };

        /* Zooming keeps what is in the middle of the box in the middle. */
        const zoomTo = (wanted) => {
            const [across, down] = [canvas.scrollLeft + canvas.clientWidth / 2, canvas.scrollTop + canvas.clientHeight / 2];
            const before = scale();
            zoom = wanted && Math.min(MOST, Math.max(LEAST, wanted));
            draw();
            const ratio = scale() / before;
            canvas.scrollLeft = across * ratio - canvas.clientWidth / 2;
            if (canvas.scrollTop > 0) { canvas.scrollTop = down * ratio - canvas.clientHeight / 2; } /* the top of a page stays in sight */
        };

        const tellPage = () => {
            const told = viewer.querySelector('[data-page-said]');
            if (!told) { return; }
            told.textContent = viewer.dataset.pageOf.replace('{at}', page).replace('{all}', pages);
            button('back').disabled = page <= 1;
            button('forth').disabled = page >= pages;
        };

        const fail = () => {
            broken.hidden = false;
            canvas.hidden = true;
            bar.hidden = true;
        };

        const turnTo = async (wanted) => {
            viewer.setAttribute('aria-busy', 'true');
            try {
                const answer = await fetch(viewer.dataset.pages.replace(/1\/$/, `${wanted}/`));
                if (!answer.ok) { throw new Error(String(answer.status)); }
                pages = Number(answer.headers.get('X-Page-Count')) || 1;
                page = wanted;
                URL.revokeObjectURL(address);
                address = URL.createObjectURL(await answer.blob());
                image.src = address;
                canvas.scrollTop = 0;
                tellPage();
            } catch {
                fail();
            }
            viewer.removeAttribute('aria-busy');
        };

        const acts = {
            in: () => zoomTo(scale() * STEP),
            out: () => zoomTo(scale() / STEP),
            fit: () => zoomTo(0),
            full: () => zoomTo(1),
            turn: () => { turned = (turned + 1) % 4; draw(); },
            back: () => { if (page > 1) { turnTo(page - 1); } },
            forth: () => { if (page < pages) { turnTo(page + 1); } },
        };
        const KEYS = { '+': 'in', '=': 'in', '-': 'out', _: 'out', 0: 'fit', 1: 'full', r: 'turn', R: 'turn', PageDown: 'forth', PageUp: 'back' };

        bar.addEventListener('click', (event) => {
            const pressed = event.target.closest('[data-do]');
            if (pressed) { acts[pressed.dataset.do](); }
        });
        canvas.addEventListener('keydown', (event) => {
            const act = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key];
            if (!act || ((act === 'forth' || act === 'back') && !viewer.dataset.pages)) { return; }
            event.preventDefault();
            event.stopPropagation(); /* here a digit zooms; it chooses no label */
            acts[act]();
        });
        canvas.addEventListener('wheel', (event) => {
            if (!event.ctrlKey) { return; }
            event.preventDefault();
            acts[event.deltaY < 0 ? 'in' : 'out']();
        }, { passive: false });

        let held = null;
        canvas.addEventListener('pointerdown', (event) => {
            if (event.button !== 0 || event.pointerType === 'touch') { return; } /* a finger scrolls by itself */
            held = { x: event.clientX + canvas.scrollLeft, y: event.clientY + canvas.scrollTop };
            canvas.setPointerCapture(event.pointerId);
            canvas.classList.add('cs-is-held');
        });
        canvas.addEventListener('pointermove', (event) => {
            if (!held) { return; }
            canvas.scrollLeft = held.x - event.clientX;
            canvas.scrollTop = held.y - event.clientY;
        });
        ['pointerup', 'pointercancel'].forEach((name) => canvas.addEventListener(name, () => {
            held = null;
            canvas.classList.remove('cs-is-held');
        }));

        image.addEventListener('load', draw);
        image.addEventListener('error', fail);
        new ResizeObserver(() => { if (!zoom) { draw(); } }).observe(canvas);
        bar.hidden = false;
        return () => {
            if (viewer.dataset.pages && !address && broken.hidden) { turnTo(page); }
            if (image.complete && image.naturalWidth) { draw(); }
        };
    };

    const choosing = (card) => {
        const files = [...card.querySelectorAll('[data-file]')];
        const links = [...card.querySelectorAll('[data-file-tabs] a')];
        const shown = new Map(files.map((file) => {
            const viewer = file.querySelector('[data-viewer]');
            return [file, viewer ? viewing(viewer) : () => {}];
        }));
        const choose = (file) => {
            files.forEach((one) => { one.hidden = one !== file; });
            links.forEach((link) => {
                if (link.hash === `#${file.id}`) { link.setAttribute('aria-current', 'true'); } else { link.removeAttribute('aria-current'); }
            });
            shown.get(file)();
        };
        links.forEach((link) => link.addEventListener('click', (event) => {
            event.preventDefault();
            choose(files.find((file) => `#${file.id}` === link.hash));
        }));
        const wanted = files.find((file) => `#${file.id}` === window.location.hash);
        if (files.length) { choose(wanted || files[0]); }
    };

    /* The desk shows one case after another without loading a page. */
    const whenShown = (start) => (window.desk ? window.desk.shown(start) : start());
    whenShown(() => document.querySelectorAll('[data-files]').forEach(choosing));
})();
