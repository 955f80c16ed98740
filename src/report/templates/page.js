// What a page can do where scripts run: values beside the pointer, curves that are switched off, a logarithmic axis, pictures
// that are saved. Without it the page reads as well.
'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const make = (name, attributes, text = '') => {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    element.textContent = text;
    return element;
  };
  const grouped = text => text.replace(/^-?\d+/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ','));
  const significant = x => {
    if (x === 0) return '0';
    const power = Number(x.toExponential(3).split('e')[1]);
    return power < -3 || power > 5 ? x.toExponential(3).replace('e+', 'e') : grouped(x.toFixed(Math.max(0, 3 - power)));
  };
  const power = exponent => exponent >= -3 && exponent <= 5 ? grouped(String(Number('1e' + exponent)))
    : '10' + String(exponent).replace(/./g, c => '⁰¹²³⁴⁵⁶⁷⁸⁹'[c] || '⁻');

  // Where an axis gets lines and numbers: places, and what is written there.
  const linearTicks = (from, to, n, percent) => {
    const least = (to - from) / n, base = 10 ** Math.floor(Math.log10(least));
    const step = base * [1, 2, 5, 10].find(m => m * base >= least * 0.999999);
    const decimals = Math.max(0, -Math.floor(Math.log10(step * (percent ? 100 : 1)) + 1e-9));
    const ticks = [];
    for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step && ticks.length < 100; i++) {
      ticks.push([i * step, percent ? (100 * i * step).toFixed(decimals) + '%' : grouped((i * step).toFixed(decimals))]);
    }
    return ticks;
  };
  const logarithmicTicks = (from, to, n) => {
    const [first, last] = [Math.ceil(from), Math.floor(to)], every = Math.ceil((last - first + 1) / n);
    const ticks = [];
    for (let decade = first - 1; decade <= last; decade++) {
      for (const m of last - first < 2 ? [1, 2, 5] : [1]) {
        const place = decade + Math.log10(m);
        const text = m === 1 ? power(decade) : grouped(String(Number(m + 'e' + decade)));
        if (place >= from && place <= to && (every < 2 || decade % every === 0)) ticks.push([place, text]);
      }
    }
    return ticks.length > 1 ? ticks
      : linearTicks(10 ** from, 10 ** to, n).filter(tick => tick[0] > 0).map(([x, text]) => [Math.log10(x), text]);
  };

  const start = figure => {
    const data = JSON.parse(figure.querySelector('script').textContent);
    const pictures = [...figure.querySelectorAll('svg.drawing')];
    const hidden = new Set();
    let logarithmic = false;
    const isLog = () => logarithmic || data.y.log;
    const placed = (x, log) => log ? Math.log10(x) : x;
    const isShown = curve => !hidden.has(curve.group);

    const frameOf = svg => {
      const [left, right, top, bottom, x0, x1, y0, y1] = svg.dataset.frame.split(' ').map(Number);
      const frame = { left, right, top, bottom, x0, x1, y0, y1 };
      if (!hidden.size && !logarithmic) return frame;
      const log = isLog();
      const range = curves => {
        const ys = curves.flatMap(curve => curve.y).concat(curves.length ? data.levels : []);
        return ys.map(y => placed(y, log)).filter(Number.isFinite).reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [Infinity, -Infinity]);
      };
      const shown = data.curves.filter(isShown);
      // What leaves the picture while all curves are shown does so as long as there are others.
      const within = log ? shown : shown.filter(curve => curve.y.every(y => y <= y1));
      const [low, high] = range(within.some(curve => !curve.pale) ? within : shown);
      if (!(low <= high)) return frame;
      const margin = Math.max(0.06 * (high - low), 1e-9 * Math.abs(high), 1e-12);
      frame.y0 = !log && low >= 0 ? Math.max(0, low - margin) : low - margin;
      frame.y1 = data.y.percent && high <= 1 ? Math.min(1, high + margin) : high + margin;
      return frame;
    };

    const draw = svg => {
      const frame = frameOf(svg), log = isLog();
      const xAt = x => frame.left + (placed(x, data.x.log) - frame.x0) / (frame.x1 - frame.x0) * (frame.right - frame.left);
      const yAt = place => frame.bottom - (place - frame.y0) / (frame.y1 - frame.y0) * (frame.bottom - frame.top);
      svg.at = { frame, xAt, yAt };
      svg.original ||= {
        grid: svg.querySelector('.across').getAttribute('d'),
        numbers: svg.querySelector('.y-numbers').innerHTML,
        lines: [...svg.querySelectorAll('.line')].map(line => line.getAttribute('d')),
      };
      const isOriginal = !hidden.size && !logarithmic;
      svg.querySelectorAll('g[data-curve]').forEach((group, i) => {
        const curve = data.curves[group.dataset.curve];
        group.style.display = isShown(curve) ? '' : 'none';
        let path = '', last = null;
        curve.x.forEach((x, j) => {
          const point = [xAt(x), yAt(placed(curve.y[j], log))];
          if (!point.every(Number.isFinite)) return;
          // The line ends where it crosses the upper edge.
          const crossing = last && (point[1] < frame.top) !== (last[1] < frame.top)
            ? last[0] + (frame.top - last[1]) / (point[1] - last[1]) * (point[0] - last[0]) : null;
          if (crossing !== null) path += (last[1] < frame.top ? 'M' : 'L') + crossing.toFixed(1) + ' ' + frame.top;
          if (point[1] >= frame.top) {
            path += (path && (crossing !== null || last && last[1] >= frame.top) ? 'L' : 'M') + point.map(x => x.toFixed(1)).join(' ');
          }
          last = point;
        });
        group.querySelector('.line').setAttribute('d', isOriginal ? svg.original.lines[i] : path);
        const dots = [...group.querySelectorAll('circle')];
        dots.forEach((dot, j) => {
          if (dots.length !== curve.y.length) return void (dot.style.display = isOriginal ? '' : 'none');
          const y = yAt(placed(curve.y[j], log));
          dot.setAttribute('cy', Number.isFinite(y) && y >= frame.top ? y.toFixed(1) : -99);
        });
        group.querySelectorAll('.exit').forEach(exit => exit.style.display = isOriginal ? '' : 'none');
      });
      svg.querySelectorAll('line.level:not(.entry *)').forEach((line, i) => {
        if (!(i in data.levels)) return;
        const y = yAt(placed(data.levels[i], log));
        line.style.display = y >= frame.top && y <= frame.bottom ? '' : 'none';
        ['y1', 'y2'].forEach(name => line.setAttribute(name, Math.floor(y) + 0.5));
      });
      const grid = svg.querySelector('.across'), numbers = svg.querySelector('.y-numbers');
      if (isOriginal) {
        grid.setAttribute('d', svg.original.grid);
        numbers.innerHTML = svg.original.numbers;
      } else {
        const n = Math.max(2, Math.floor(svg.viewBox.baseVal.height / 56));
        const ticks = log ? logarithmicTicks(frame.y0, frame.y1, n) : linearTicks(frame.y0, frame.y1, n, data.y.percent);
        numbers.textContent = '';
        grid.setAttribute('d', ticks.map(([place]) => `M${frame.left} ${Math.floor(yAt(place)) + 0.5}H${frame.right}`).join(''));
        ticks.forEach(([place, text]) => numbers.append(make('text', { x: frame.left - 7, y: yAt(place) + 4.6 }, text)));
      }
      svg.querySelectorAll('.entry[data-group]').forEach(entry => {
        const off = hidden.has(Number(entry.dataset.group));
        entry.setAttribute('aria-pressed', String(!off));
        entry.setAttribute('opacity', off ? '0.35' : '1');
      });
    };
    const redraw = () => { hide(); pictures.forEach(draw); };

    const tip = figure.appendChild(document.createElement('div'));
    tip.className = 'tip';
    tip.hidden = true;
    const hide = () => { tip.hidden = true; figure.querySelectorAll('.cursor').forEach(line => line.remove()); };
    const show = (svg, event) => {
      hide();
      const box = svg.getBoundingClientRect(), zoom = box.width / svg.viewBox.baseVal.width;
      const { frame, xAt, yAt } = svg.at;
      const pointer = (event.clientX - box.left) / zoom;
      if (pointer < frame.left - 6 || pointer > frame.right + 6) return;
      const nGroups = new Set(data.curves.map(curve => curve.group)).size;
      const curves = data.curves.filter(curve => isShown(curve) && curve.x.length && !(curve.pale && nGroups > 1));
      const nearest = curves.map(curve => {
        let best = 0;
        curve.x.forEach((x, i) => { if (Math.abs(xAt(x) - pointer) < Math.abs(xAt(curve.x[best]) - pointer)) best = i; });
        return best;
      });
      const distance = i => Math.abs(xAt(curves[i].x[nearest[i]]) - pointer);
      const first = curves.map((_, i) => i).sort((a, b) => distance(a) - distance(b))[0];
      if (first === undefined) return;
      const x = curves[first].x[nearest[first]];
      const rows = curves.map((curve, i) => [curve, nearest[i]]).filter(([curve, i]) => Math.abs(xAt(curve.x[i]) - xAt(x)) < 12);
      tip.textContent = '';
      const line = (text, className) => { const row = tip.appendChild(document.createElement('div')); row.textContent = text; row.className = className; };
      line(`${data.x.short} ${data.x.whole ? grouped(x.toFixed(0)) : significant(x)}`, 'where');
      rows.forEach(([curve, i]) => {
        const value = data.y.percent ? (100 * curve.y[i]).toFixed(2) + '%' : significant(curve.y[i]);
        const name = curve.pale ? data.words.each : curve.name;
        line(name ? `${name}: ${value}` : value, curve.look);
      });
      tip.hidden = false;
      svg.append(make('line', { class: 'cursor guide', stroke: '#5f6368', x1: xAt(x), x2: xAt(x), y1: frame.top, y2: frame.bottom }));
      const inside = figure.getBoundingClientRect(), at = box.left - inside.left + xAt(x) * zoom;
      const onLeft = at + tip.offsetWidth + 20 > inside.width;
      tip.style.left = Math.max(0, onLeft ? at - tip.offsetWidth - 12 : at + 12) + 'px';
      tip.style.top = box.top - inside.top + frame.top * zoom + 8 + 'px';
    };

    const tools = figure.insertBefore(document.createElement('p'), figure.querySelector('figcaption'));
    tools.className = 'tools';
    const button = (text, action) => {
      const made = tools.appendChild(document.createElement('button'));
      made.type = 'button';
      made.textContent = text;
      made.onclick = () => action(made);
      return made;
    };
    if (!data.y.log && !data.y.percent) {
      button(data.words.logarithmic, made => {
        logarithmic = !logarithmic;
        made.setAttribute('aria-pressed', String(logarithmic));
        redraw();
      }).setAttribute('aria-pressed', 'false');
    }
    const saved = () => {
      hide();
      const copy = pictures[0].cloneNode(true);
      copy.querySelectorAll('.entry').forEach(entry => ['role', 'tabindex', 'aria-pressed'].forEach(name => entry.removeAttribute(name)));
      return new XMLSerializer().serializeToString(copy);
    };
    const download = (address, kind) => {
      const link = document.createElement('a');
      link.href = address;
      link.download = data.file + '.' + kind;
      link.click();
    };
    const address = text => 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);
    button(data.words.svg, () => download(address(saved()), 'svg'));
    button(data.words.png, () => {
      const { width, height } = pictures[0].viewBox.baseVal, image = new Image();
      image.onload = () => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [2 * width, 2 * height];
        canvas.getContext('2d').drawImage(image, 0, 0, 2 * width, 2 * height);
        download(canvas.toDataURL('image/png'), 'png');
      };
      image.src = address(saved());
    });

    pictures.forEach(svg => {
      draw(svg);
      svg.addEventListener('pointermove', event => show(svg, event));
      svg.addEventListener('pointerdown', event => show(svg, event));
      svg.addEventListener('pointerleave', hide);
      const entries = [...svg.querySelectorAll('.entry[data-group]')];
      if (entries.length < 2) return;
      entries.forEach(entry => {
        const toggle = () => {
          const group = Number(entry.dataset.group);
          if (!hidden.delete(group)) hidden.add(group);
          redraw();
        };
        entry.setAttribute('role', 'button');
        entry.setAttribute('tabindex', '0');
        entry.append(make('title', {}, data.words.off));
        entry.onclick = toggle;
        entry.onkeydown = event => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); toggle(); } };
      });
    });
  };
  document.querySelectorAll('figure.chart').forEach(start);
})();
