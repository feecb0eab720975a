"""The page in a browser: it loads nothing, says nothing to the console, obeys no name, answers to pointer and keys, and
can be read on light and dark, wide and narrow."""

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

PAGE = "file://" + os.path.abspath(sys.argv[1])
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# The least contrast of text with what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = 4.5

# Text and what is behind it, as computed, with their contrast. In charts that is what the rectangles painted before the
# text at its middle come to.
TEXTS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const linear = channels(colour).slice(0, 3).map((c) => c / 255)
            .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const painted = (chart, text) => {
        const box = text.getBoundingClientRect();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        let below = [255, 255, 255];
        for (const rect of chart.querySelectorAll("rect")) {
            const { left, right, top, bottom } = rect.getBoundingClientRect();
            const before = rect.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
            const { fill, fillOpacity, opacity } = getComputedStyle(rect);
            if (!before || fill === "none" || x < left || x > right || y < top || y > bottom) continue;
            const share = Number(fillOpacity) * Number(opacity);
            below = below.map((c, i) => c + share * (channels(fill)[i] - c));
        }
        return `rgb(${below})`;
    };
    const ground = (element) => {
        const chart = element.closest("svg");
        if (chart) return painted(chart, element);
        for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((channels(colour)[3] ?? 1) === 1) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const own = (element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const found = [];
    for (const element of document.body.querySelectorAll("*:not(script):not(style)")) {
        if (!own(element)) continue;
        const style = getComputedStyle(element);
        const ink = element.closest("svg") ? style.fill : style.color;
        const [a, b] = [luminance(ink), luminance(ground(element))].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), element.tagName, element.textContent.trim().slice(0, 40)]);
    }
    return found;
}"""

STRUCTURE = """() => ({
    headings: [...document.querySelectorAll("h1, h2, h3")].map((h) => Number(h.tagName[1])),
    landmarks: ["header", "nav", "main", "footer"].map((name) => document.querySelectorAll(`body > ${name}`).length),
    bare: [...document.querySelectorAll("table")].filter((t) => !t.caption || !t.querySelector("th[scope=col]")).length,
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    described: [...document.querySelectorAll(".plot")].every((plot) => ["labelledby", "describedby"].every(
        (what) => document.getElementById(plot.getAttribute(`aria-${what}`)).textContent.trim())),
    targets: [...document.querySelectorAll("a[href]")].every((a) => document.querySelector(a.getAttribute("href"))),
})"""


def open_page(browser, scheme, width):
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    page.trouble, page.requested = [], []
    page.on("console", lambda message: page.trouble.append(message.text))
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("dialog", lambda dialog: (page.trouble.append("a dialog opened"), dialog.dismiss()))
    page.on("request", lambda request: page.requested.append(request.url))
    page.goto(PAGE)
    return page


def check_structure(page):
    found = page.evaluate(STRUCTURE)
    headings = found["headings"]
    assert headings[0] == 1 and headings.count(1) == 1, headings
    assert all(to - at <= 1 for at, to in zip(headings, headings[1:])), headings
    assert found["landmarks"] == [1, 1, 1, 1] and found["bare"] == 0
    assert len(found["ids"]) == len(set(found["ids"])), "ids clash"
    assert found["described"] and found["targets"]


def check_hostile_names(page):
    shown = os.environ["HOSTILE"].replace("\u202e", "\\u{202e}")
    assert shown in page.inner_text("body"), "the instance's name is not shown as it is"
    assert page.evaluate("document.scripts.length") == 1
    assert page.locator("main b, main i, header b").count() == 0


def check_charts(page):
    charts = page.locator("figure[data-axis]")
    assert charts.count() >= 3 and page.locator("figure svg").count() >= charts.count()
    first, last = charts.first, charts.last
    assert first.locator(".readout").inner_text() == ""
    plot = first.locator(".plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for chart in (first, last):
        assert chart.locator(".moment").get_attribute("visibility") == "visible"
        assert chart.locator(".readout").inner_text().startswith("at "), "all charts show the moment"
    second = int(plot.get_attribute("aria-valuenow"))
    assert second > 2
    plot.focus()
    page.keyboard.press("ArrowRight")
    assert int(plot.get_attribute("aria-valuenow")) == second + 1
    assert plot.get_attribute("aria-valuetext").startswith(f"at {second + 1} s, ")
    page.keyboard.press("Home")
    assert int(plot.get_attribute("aria-valuenow")) == 0
    page.keyboard.press("Escape")
    assert first.locator(".readout").inner_text() == ""


def check_policy(page):
    """The page's own policy, not our care alone, keeps other scripts out."""
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
    }""")
    assert page.evaluate("window.ran") is None


with sync_playwright() as playwright:
    # Chromium has no sandbox for root, which is who runs tests in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    for scheme, width in (("light", 1280), ("dark", 375)):
        page = open_page(browser, scheme, width)
        illegible = [text for text in page.evaluate(TEXTS) if text[0] < CONTRAST]
        assert not illegible, (scheme, illegible[:10])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
        check_structure(page)
        check_hostile_names(page)
        check_charts(page)
        assert not page.trouble and page.requested == [PAGE], (page.trouble, page.requested)
        check_policy(page)
    browser.close()
