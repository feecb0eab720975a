"use strict";
// Shows one moment in all charts over time: a line in each, and under it the values there. The moment follows the
// pointer, or the arrow keys of a chart that has the focus.
const charts = Array.from(document.querySelectorAll("figure[data-axis]"), (figure) => {
    const axis = JSON.parse(figure.dataset.axis);
    const plot = figure.querySelector(".plot");
    const svg = plot.querySelector("svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    line.setAttribute("class", "moment");
    line.setAttribute("y1", axis.top);
    line.setAttribute("y2", axis.bottom);
    line.setAttribute("visibility", "hidden");
    svg.append(line);
    return { axis, plot, svg, line, readout: figure.querySelector(".readout") };
});

let moment = null;

const number = (value) => {
    if (value === null) return "–";
    const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 3;
    return digits ? Number(value.toPrecision(digits)).toLocaleString("en") : Math.round(value).toLocaleString("en");
};

function valuesAt({ axis }, second) {
    const column = Math.floor(second / axis.each); // the first begins at the start of the load
    return axis.series.map(({ name, unit, values }) => {
        const value = values[column] ?? null;
        return `${name} ${number(value)}${value === null || !unit ? "" : ` ${unit}`}`;
    });
}

function show(second) {
    moment = second;
    for (const chart of charts) {
        const { axis, plot, line, readout } = chart;
        const within = second >= axis.from && second < axis.to;
        line.setAttribute("visibility", within ? "visible" : "hidden");
        readout.replaceChildren();
        if (!within) continue;
        const x = axis.left + ((second - axis.from) / (axis.to - axis.from)) * (axis.right - axis.left);
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
        const told = [`at ${Math.floor(second)} s`, ...valuesAt(chart, second)];
        for (const text of told) {
            const part = document.createElement("span");
            part.textContent = text;
            readout.append(part);
        }
        plot.setAttribute("aria-valuenow", Math.floor(second));
        plot.setAttribute("aria-valuetext", told.join(", "));
    }
}

function hide() {
    moment = null;
    for (const { plot, line, readout } of charts) {
        line.setAttribute("visibility", "hidden");
        readout.replaceChildren();
        plot.setAttribute("aria-valuetext", "no moment chosen");
    }
}

for (const { axis, plot, svg } of charts) {
    plot.addEventListener("pointermove", (event) => {
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
        const share = (at.x - axis.left) / (axis.right - axis.left);
        if (share >= 0 && share < 1) show(axis.from + share * (axis.to - axis.from));
    });
    plot.addEventListener("keydown", (event) => {
        const last = axis.to - axis.each;
        const now = moment === null ? axis.from - axis.each : moment;
        const to = {
            ArrowRight: now + axis.each,
            ArrowUp: now + axis.each,
            ArrowLeft: now - axis.each,
            ArrowDown: now - axis.each,
            PageUp: now + 10 * axis.each,
            PageDown: now - 10 * axis.each,
            Home: axis.from,
            End: last,
        }[event.key];
        if (event.key === "Escape") hide();
        if (to === undefined) return;
        event.preventDefault();
        show(Math.min(Math.max(to, axis.from), last));
    });
}
