"""The web console in a real browser, from an empty server to a deleted group: all is
made by clicking. Items have hostile names; nothing may run, be fetched from elsewhere
or be refused by the Content-Security-Policy. Pictures of all pages are left in
USHER_PICTURES if that is set."""
import json
import random

from browser import Browser
from usher import *

HOSTILE = ['<img src=x onerror=alert(1)>', '"><script>alert(2)</script>', "javascript:alert(3)", "{{7*7}}", "&lt;b&gt;", "'; DROP TABLE items"]
PICTURES = os.environ.get("USHER_PICTURES")
KEYS = "AKIAADMIN  wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY  admin\nAKIAREAD   wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY  reader  read\n"


def files(folder):
    """Two tastes of items; users mostly have one of them."""
    rng = random.Random(7)
    items, interactions = os.path.join(folder, "items.csv"), os.path.join(folder, "interactions.csv")
    with open(items, "w") as f:
        f.write("ITEM_ID,TITLE,GENRE,YEAR\n")
        for i in range(60):
            title = HOSTILE[i % 10] if i % 10 < len(HOSTILE) else f"Item {i}"
            f.write(f'i{i},"{title.replace(chr(34), chr(34) * 2)}",{"left" if i < 30 else "right"},{1980 + i % 40}\n')
    with open(interactions, "w") as f:
        f.write("USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n")
        for u in range(150):
            at = 1_700_000_000 + 1000 * u
            for _ in range(rng.randint(8, 16)):
                item = rng.randrange(30) + (30 if (u % 2) != (rng.random() < 0.1) else 0)
                at += rng.randint(60, 90_000)
                f.write(f"u{u},i{item},{at},{'View' if rng.random() < 0.8 else 'Buy'}\n")
    return interactions, items


def need(ok, what):
    """A check that the rest cannot do without."""
    if not check(ok, what):
        done()


class Visitor:
    """A person at the browser: goes to pages, fills in fields by their labels, presses
    buttons by their texts, and reads."""

    def __init__(self, browser, url):
        self.b, self.url = browser, url

    def go(self, address):
        """Opens a page of the console and waits until it is there."""
        self.b.js(f"location.hash = {json.dumps(address)}")
        return self.settled()

    def settled(self):
        return self.b.wait("document.querySelector('main h1, main .complaint') !== null && !document.querySelector('main').hasAttribute('aria-busy')")

    def sees(self, text, seconds=20):
        need(self.b.wait(f"document.body?.innerText.includes({json.dumps(text)})", seconds), f"the page {self.b.js('location.hash')} does not show {text!r} but {self.text()!r}")

    def text(self):
        return self.b.js("document.querySelector('main')?.innerText.slice(0, 1500)")

    def field(self, label):
        return f"[...document.querySelectorAll('label')].filter(l => l.textContent.trim() === {json.dumps(label)}).map(l => l.control)[0]"

    def fill(self, label, value):
        f = self.field(label)
        need(self.b.wait(f"!!({f})"), f"there is no field {label!r} in {self.text()!r}")
        self.b.js(f"(c => {{ c.value = {json.dumps(value)}; c.dispatchEvent(new Event('input', {{bubbles: true}})); c.dispatchEvent(new Event('change', {{bubbles: true}})); }})({f})")

    def label(self, label, value):
        """Fills in a field that only its aria-label names."""
        f = f"document.querySelector('main [aria-label=\"{label}\"]')"
        need(self.b.wait(f"!!({f})"), f"there is no {label!r} in {self.text()!r}")
        self.b.js(f"({f}).value = {json.dumps(value)}, true")

    def choose(self, label, text):
        f = self.field(label)
        value = self.b.wait(f"[...({f} ?? {{options: []}}).options].filter(o => o.text === {json.dumps(text)}).map(o => o.value)[0]")
        need(value, f"{label} does not offer {text!r}")
        self.fill(label, value)

    def upload(self, label, path):
        need(self.b.wait(f"!!({self.field(label)})"), f"there is no field {label!r}")
        self.b.js(f"window.chosen = {self.field(label)}, true")
        handle = self.b.call("Runtime.evaluate", expression="window.chosen")["result"]["objectId"]
        self.b.call("DOM.setFileInputFiles", files=[path], objectId=handle)

    def press(self, text):
        button = f"[...document.querySelectorAll('main button, main a')].filter(b => !b.disabled && b.getClientRects().length && b.textContent.trim() === {json.dumps(text)})[0]"
        need(self.b.wait(f"!!({button})"), f"there is no {text!r} to press in {self.text()!r}")
        self.b.js(f"({button}).click()")

    def picture(self, name):
        if not PICTURES:
            return
        for kind, width, dark in (("light", 1280, False), ("dark", 1280, True), ("narrow", 420, False)):
            self.b.window(width, 1100, dark)
            self.b.picture(os.path.join(PICTURES, f"{name}-{kind}.png"))
        self.b.window(1280, 1000)


def start(b, url):
    b.window(1280, 1000)
    b.open(url + "/")  # a browser at the root is sent on
    b.wait("location.pathname === '/console/' && document.querySelector('main h1') !== null")
    return Visitor(b, url)


def made_by_clicking(v, folder):
    interactions, items = files(folder)
    v.sees("There is none yet")
    v.press("Create dataset group")
    v.fill("Name", "clicked")
    v.press("Create and continue")
    v.sees("Add dataset")
    v.upload("CSV file of this machine", interactions)
    v.press("Create dataset")
    v.sees("Imports")
    v.b.wait("location.hash.endsWith('/dataset/INTERACTIONS')")
    check(v.b.wait("[...document.querySelectorAll('main .badge')].length > 1 && document.querySelector('main').innerText.includes('Rows')"), "the import is not shown")
    v.go("#/group/clicked/new-dataset/Items")
    v.upload("CSV file of this machine", items)
    check(v.b.wait("[...document.querySelectorAll('input[aria-label=\"Field name\"]')].map(i => i.value).join() === 'TITLE,GENRE,YEAR'"), "the file's columns do not become the schema's fields")
    v.picture("schema")
    v.press("Create dataset")
    v.b.wait("location.hash.endsWith('/dataset/ITEMS')")
    v.sees(HOSTILE[0])
    v.picture("dataset")
    v.go("#/group/clicked/new-solution")
    for recipe, able in (("user-personalization", True), ("sims", False)):
        v.choose("Recipe", recipe)
        check(v.b.js("document.querySelector('details:has([name=objective])').open = true, document.querySelector('[name=objective]').offsetParent !== null") == able, f"{recipe} {'has no' if able else 'has an'} objective")
    for recipe in ("user-personalization-v2", "personalized-ranking-v2", "sims", "similar-items"):
        v.go("#/group/clicked/new-solution")
        v.choose("Recipe", recipe)
        v.press("Create and train")
        v.b.wait("location.hash === '#/group/clicked'")
        if recipe == "user-personalization-v2":
            v.sees("Trainings under way")
    v.sees("4 active versions", 120)
    check(v.b.js("[...document.querySelectorAll('main button')].filter(b => b.textContent === 'Deploy').map(b => b.click()).length") == 4, "there are not four versions to deploy")
    v.sees("4 deployed and answering", 60)
    v.picture("group")


def bad_file(v, folder):
    path = os.path.join(folder, "bad.csv")
    with open(path, "w") as f:
        f.write("ITEM_ID,TITLE,GENRE,YEAR\ni1,<b>,left,soon\n")
    v.go("#/group/clicked/dataset/ITEMS")
    v.b.js("[...document.querySelectorAll('summary')].filter(s => s.textContent === 'Import a file')[0].click()")
    v.upload("File of this machine", path)
    v.press("Import")
    v.sees("Create failed")
    v.sees('"soon"')  # the value, where it stands and what was expected
    v.picture("bad-file")


def events_and_filters(v):
    v.go("#/group/clicked/events")
    v.press("Create")
    v.sees("Tracking ID")
    v.picture("events")
    v.go("#/group/clicked/filters")
    v.fill("Name", "genre")
    v.fill("Expression", "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)")
    v.press("Create filter")
    v.sees("$GENRE")
    v.picture("filters")
    v.go("#/group/clicked/attribution")
    v.label("Metric", "views")
    v.label("Event type", "View")
    v.press("Create")
    v.sees("Nothing was counted yet")


def explained(v):
    v.go("#/group/clicked/try/campaign/clicked-user-personalization-v2")
    v.fill("User ID", "u4")
    v.press("Ask")
    v.sees("25 items")
    v.sees("Past events that matter most")
    check(v.b.js("document.querySelectorAll('.ranked tbody tr').length") == 25, "there are not 25 rows")
    check(v.b.js("document.querySelectorAll('.past li.named').length") > 0, "the history does not point out the events of the explanation")
    shown = v.b.js("[...document.querySelectorAll('.ranked .item')].map(b => b.textContent)")
    check(any(t in HOSTILE for t in shown), f"no hostile name is among {shown}")
    v.b.js("document.querySelectorAll('.ranked .item')[3].click()")
    check(v.b.wait("document.querySelector('.aside h2').textContent === `Why ${document.querySelectorAll('.ranked .item')[3].textContent}?`"), "the fourth item is not explained")
    v.picture("explanation")
    v.choose("Filter", "genre")
    v.fill("$GENRE", "right")
    v.press("Ask")
    v.sees("lets it through")
    check(v.b.wait("[...document.querySelectorAll('.ranked tbody td:nth-child(3)')].every(td => td.textContent === 'right')"), "the filter's parameter does not count")
    v.press("What if the user viewed it now?")
    v.sees("counts it already")
    check(v.b.wait("document.querySelectorAll('.ranked .up, .ranked .down').length > 0"), "the event moves nothing")
    v.picture("what-if")
    v.fill("User ID", "nobody-knows")
    v.press("Ask")
    v.sees("Nothing is known of nobody-knows")


def other_recipes(v):
    """Rankings and related items are asked differently."""
    v.go("#/group/clicked/try/campaign/clicked-personalized-ranking-v2")
    v.fill("User ID", "u4")
    v.fill("Item IDs to rank", "i1, i31 i2")
    v.press("Ask")
    v.sees("3 items")
    v.sees("History of u4")
    v.sees("Why ")
    v.sees("Past events that matter most")
    v.picture("ranking")
    v.go("#/group/clicked/try/campaign/clicked-sims")
    v.fill("Item ID", "i3")
    v.press("Ask")
    v.sees("25 items")
    v.sees("What was counted")
    v.picture("related")


def other_pages(v):
    for page, text in {"data": "Insights", "compare": "What was chosen in training", "experiments": "Start experiment", "test": "clicked-sims", "dataset/INTERACTIONS": "Create events"}.items():
        v.go("#/group/clicked/" + page)
        v.sees(text)
        v.picture(page.split("/")[0])
    v.go("#/group/clicked/attribution")
    v.sees("clicked-user-personalization-v2")  # whose answer led to the event of "what if"
    v.picture("attribution")
    v.go("#/group/clicked/experiments")
    v.fill("Name", "trial")
    v.choose("First campaign", "clicked-sims")
    v.choose("Second campaign", "clicked-similar-items")
    v.press("Start")
    v.sees("Share")
    v.picture("experiments")
    v.press("End")
    v.press("Really end")
    v.sees("No experiment runs")
    v.go("#/group/clicked/filters")
    v.press("Delete")
    v.press("Really delete")
    v.sees("No filter yet")
    v.go("#/group/no-such-group")
    v.sees("There is no dataset group")


def a_domain(v):
    """A group of a domain: its schemas need more, and it has recommenders."""
    v.go("#/new-group")
    v.fill("Name", "films")
    v.choose("Domain", "Video on demand")
    v.press("Create and continue")
    v.sees("Add dataset")
    v.press("Items")
    v.sees("CREATION_TIMESTAMP")
    v.press("Create dataset")
    v.b.wait("location.hash.endsWith('/dataset/ITEMS')")
    v.sees("GENRES")
    v.go("#/group/films/new-solution")
    v.sees("Recommender of the domain")
    v.go("#/group/films/delete")
    v.fill("Type the name of the group", "films")
    v.press("Delete everything")
    v.b.wait("location.hash === '#/'")


def deleted(v):
    v.go("#/group/clicked/delete")
    v.sees("resources go")
    v.picture("deletion")
    v.fill("Type the name of the group", "click")
    v.press("Delete everything")
    v.sees("This is not the name")
    v.fill("Type the name of the group", "clicked")
    v.press("Delete everything")
    v.sees("There is none yet")


def signed_in(folder):
    keys = os.path.join(folder, "keys")
    with open(keys, "w") as f:
        f.write(KEYS)
    os.chmod(keys, 0o600)
    with Server("-keys", keys) as server, Browser(server.url) as b:
        b.window(1280, 1000)
        b.open(server.url + "/console/")
        v = Visitor(b, server.url)
        v.sees("This server has keys")
        v.picture("sign-in")
        v.fill("Access key ID", "AKIAREAD")
        v.fill("Secret access key", "wrong")
        v.press("Sign in")
        v.sees("its secret is another one")
        v.fill("Secret access key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        v.press("Sign in")
        v.sees("There is none yet")
        check("reader" in b.js("document.getElementById('who').innerText"), "the page does not say who is signed in")
        check(b.js("document.cookie") == "", "scripts can read the session")
        v.go("#/new-group")
        v.fill("Name", "mine")
        v.press("Create and continue")
        v.sees("not authorized to perform: personalize:CreateDatasetGroup")
        b.open(server.url + "/console/#/")
        b.js("location.reload()")
        v.sees("There is none yet")
        need(b.wait("[...document.querySelectorAll('#who button')].filter(b => b.textContent === 'Sign out').map(b => { b.click(); return true })[0]"), "nobody can sign out")
        v.sees("This server has keys")
        told = [c for c in b.complaints if "the server responded with a status of" not in c]  # refusals that were asked for
        check(not told, f"the browser complains: {told}")


with tempfile.TemporaryDirectory() as folder, Server("-fast") as server:
    with Browser(server.url) as b:
        v = start(b, server.url)
        made_by_clicking(v, folder)
        bad_file(v, folder)
        events_and_filters(v)
        explained(v)
        other_recipes(v)
        other_pages(v)
        a_domain(v)
        deleted(v)
        told = [c for c in b.complaints if "404" not in c]  # the user whom nobody knows
        check(not told, f"the browser complains: {told}")
        check(b.js("typeof window.hacked") == "undefined" and b.js("document.querySelectorAll('main img, main script').length") == 0, "a hostile name became an element")
    signed_in(folder)
done()
