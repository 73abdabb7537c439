"""A window of Debian's Chromium, driven by selenium: what the tests of the pages need of it."""
import contextlib
import os
import shutil
import tempfile
import time

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    webdriver = None

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"


def missing():
    """Why there is no browser here; "": there is one."""
    return "" if webdriver and os.path.exists(CHROMIUM) and os.path.exists(DRIVER) else "chromium, chromium-driver and python3-selenium are not installed (cmake/setup.sh browser)"


class Window:
    """One browser with a profile of its own; close() ends it and removes the profile."""

    def __init__(self, width=360, height=740, scripts=True, dark=False, profile=None, language="en", cookies=True):
        self.own_profile = profile is None
        self.profile = profile or tempfile.mkdtemp(prefix="janji-browser-")
        o = Options()
        o.binary_location = CHROMIUM
        for a in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={self.profile}", f"--lang={language}",
                  f"--window-size={width},{height}", "--force-device-scale-factor=1"):
            o.add_argument(a)
        if dark:
            o.add_argument("--force-dark-mode")
            o.add_argument("--blink-settings=preferredColorScheme=0")
        prefs = {"intl.accept_languages": language}
        if not scripts:
            prefs["profile.managed_default_content_settings.javascript"] = 2
        if not cookies:
            prefs["profile.default_content_setting_values.cookies"] = 2
        o.add_experimental_option("prefs", prefs)
        o.accept_insecure_certs = True  # of tests' own authorities
        o.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(DRIVER), options=o)
        self.driver.set_page_load_timeout(20)
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def go(self, url):
        self.driver.get(url)
        return self

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "main").text

    def heading(self):
        return self.driver.find_element(By.TAG_NAME, "h1").text

    def kind(self):
        return self.driver.find_element(By.TAG_NAME, "body").get_attribute("data-page")

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def every(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, selector):
        element = self.one(selector) if isinstance(selector, str) else selector
        with contextlib.suppress(Exception):
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def until(self, condition, seconds=20, what="the page is so"):
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(Exception):
                value = condition()
                if value:
                    return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}: {self.driver.current_url}: {self.text()[:400]}")
            time.sleep(0.05)

    def complaints(self):
        """What stands in the console, but that a page or a form's own refusal has a status; what a page is made of is always there."""
        def is_refusal(text):
            return ("status of 4" in text or "status of 5" in text) and "/assets/" not in text
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING") and not is_refusal(e["message"])]

    def picture(self, path):
        height = self.cdp("Page.getLayoutMetrics")["cssContentSize"]["height"]
        width = self.cdp("Page.getLayoutMetrics")["cssLayoutViewport"]["clientWidth"]
        import base64
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1})
        with open(path, "wb") as out:
            out.write(base64.b64decode(shot["data"]))

    def close(self):
        with contextlib.suppress(Exception):
            self.driver.quit()
        if self.own_profile:
            shutil.rmtree(self.profile, ignore_errors=True)
