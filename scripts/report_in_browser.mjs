// A page of `rrm report` in headless Chromium: no console errors, nothing executed, filters, keyboard, phone width, dark and light.
//
// node report_in_browser.mjs PAGE.html FOLDER-FOR-SCREENSHOTS ; needs playwright-core and /usr/bin/chromium (or CHROMIUM).
import { strict as assert } from "node:assert";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const { chromium } = createRequire(resolve("index.js"))("playwright-core");
const [page_file, shots] = process.argv.slice(2);
const url = pathToFileURL(resolve(page_file)).href;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const wrong = [];

async function open(name, options) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && wrong.push(`${name}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(`${name}: ${error}`));
  page.on("request", (request) => /^(file|data):/.test(request.url()) || wrong.push(`${name}: asks for ${request.url()}`));
  page.on("dialog", (dialog) => (wrong.push(`${name}: dialog ${dialog.message()}`), dialog.dismiss()));
  await page.goto(url);
  assert.equal(await page.evaluate(() => globalThis.hacked), undefined, "markup in a text was run");
  return page;
}

async function counted(page) {
  const text = await page.locator("#count").textContent();
  return Number(text.split(" of ").at(-1));
}

async function filters(page) {
  const all = await counted(page);
  assert.ok(all > 0, "no cases");
  const numbers = {};
  for (const kind of ["wrong", "flipped", "abstained", "right"]) {
    await page.click(`[data-filter=${kind}]`);
    assert.equal(await page.getAttribute(`[data-filter=${kind}]`, "aria-pressed"), "true");
    numbers[kind] = await counted(page);
    const tags = await page.locator("#case .tag").allTextContents();
    if (numbers[kind] > 0 && kind !== "right") assert.ok(tags.includes(kind), `${kind}: ${tags}`);
    if (kind === "right") assert.ok(!tags.includes("wrong"));
  }
  await page.click("[data-filter=all]");
  assert.equal(numbers.wrong + numbers.right, all);
  await page.fill("#find", "no text says this");
  assert.equal(await counted(page), 0);
  await page.fill("#find", "");
  assert.equal(await counted(page), all);
  return { all, ...numbers };
}

/// Everything that can be used can be reached by Tab and shows it; j and k go through the cases.
async function keyboard(page) {
  await page.reload();
  const reached = new Set();
  for (let press = 0; press < 200; press += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      return one === document.body ? null : { name: one.id || one.dataset.filter || one.tagName, ring: getComputedStyle(one).outlineStyle };
    });
    if (at === null) break;
    assert.notEqual(at.ring, "none", `${at.name} shows no focus`);
    reached.add(at.name);
  }
  for (const name of ["run", "find", "wrong", "next"]) assert.ok(reached.has(name), `${name} cannot be reached by Tab`);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  assert.match(await page.locator("#count").textContent(), /^2 of /);
  await page.keyboard.press("k");
  assert.match(await page.locator("#count").textContent(), /^1 of /);
  await page.focus("[data-filter=wrong]");
  await page.keyboard.press("Enter");
  assert.equal(await page.getAttribute("[data-filter=wrong]", "aria-pressed"), "true");
}

async function shoot(page, name) {
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${shots}/${name}-top.png` });
  await page.locator("#figures").screenshot({ path: `${shots}/${name}-figures.png` });
  await page.locator("#browser").screenshot({ path: `${shots}/${name}-browser.png` });
}

try {
  const light = await open("light", { colorScheme: "light" });
  const judges = await light.locator("#run option").count();
  for (let judge = 0; judge < judges; judge += 1) {
    await light.selectOption("#run", String(judge));
    console.log(await light.locator("#run option").nth(judge).textContent(), JSON.stringify(await filters(light)));
  }
  await light.selectOption("#run", "0");
  await keyboard(light);
  await shoot(light, "light");
  const dark = await open("dark", { colorScheme: "dark" });
  assert.notEqual(await dark.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  await shoot(dark, "dark");
  const phone = await open("phone", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const width = await phone.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `at 360 pixels the page is ${width} wide`);
  await filters(phone);
  await shoot(phone, "phone");
  assert.deepEqual(wrong, []);
  console.log("no console errors, nothing executed, filters and keyboard work, 360 pixels wide fit");
} finally {
  await browser.close();
}
