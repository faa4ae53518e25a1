// Runs a program in the page with Chromium, and exits as the program did.
// Usage: node drive.mjs http://127.0.0.1:8080/page.html 'print(6*7)'
import puppeteer from "puppeteer-core";

const [url, code] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  // Chromium refuses to run as root with its own sandbox.
  args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error));
  await page.goto(url);
  await page.$eval("textarea", (program, code) => { program.value = code; }, code);
  await page.click("button");
  await page.waitForSelector("[data-exit-code]", { timeout: 0 });
  const text = (selector) => page.$$eval(selector, (nodes) => nodes.map((node) => node.textContent).join(""));
  process.stdout.write(await text("output"));
  process.stderr.write(await text("samp"));
  const failure = await text("strong");
  if (failure) console.error(failure);
  process.exitCode = await page.$eval("pre", (output) => Number(output.dataset.exitCode));
} finally {
  await browser.close();
}
