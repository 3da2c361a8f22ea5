"""One line of HTML on somebody's page: what the page can do with it, and what it does not do to the page."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.tokens import signed, vouching
from tests.widget.site import Site
from tests.widget.talking import answers_by, ask, field, is_answered, is_online, open_chat, requests
from tests.world import House

QUEUE = """<script>
window.ChatWithUs=window.ChatWithUs||function(){(ChatWithUs.q=ChatWithUs.q||[]).push(arguments)};
window.heard = [];
for (const name of ["ready", "opened", "closed", "message", "unread", "conversation-started", "error"])
  ChatWithUs("on", name, (detail) => heard.push([name, detail]));
ChatWithUs("open", {message: "A question from before"});
</script>"""
LAUNCHER = ("button", "Open chat")


def heard(page: Page) -> list[str]:
    names: list[str] = page.evaluate("heard.map(([name]) => name)")
    return names


def launcher(page: Page) -> Any:
    return page.locator("chat-with-us .launcher")


def test_calls_that_came_before_the_script_are_made_up_for(site: Site, page: Page) -> None:
    page.goto(site.page(head=QUEUE))
    expect(field(page)).to_have_value("A question from before")
    is_online(page)
    assert heard(page)[:2] == ["ready", "opened"]
    assert (
        page.evaluate("typeof ChatWithUs === 'function' && ChatWithUs.isOpen() && ChatWithUs('isOpen')")
        is True
    )


def test_a_page_drives_it_by_its_methods_and_hears_what_happens(site: Site, page: Page, house: House) -> None:
    words = answers_by(house, "tokens=5")
    page.goto(site.page(head=QUEUE))
    is_online(page)
    page.evaluate("ChatWithUs.close()")
    expect(page.locator("chat-with-us .panel")).to_be_hidden()
    page.evaluate("ChatWithUs.send('Where is my parcel?')")
    expect(launcher(page)).to_have_accessible_name("Open chat, 1 new message")
    page.evaluate("ChatWithUs.hide()")
    expect(launcher(page)).to_be_hidden()
    page.evaluate("ChatWithUs('show'); ChatWithUs.toggle()")
    is_answered(page, words)
    assert set(heard(page)) >= {"closed", "conversation-started", "message", "unread"}
    assert page.evaluate("heard.filter(([name]) => name === 'unread').map(([, {count}]) => count)") == [1, 0]
    page.evaluate("ChatWithUs.newConversation()")
    expect(requests(page)).to_have_count(0)
    page.evaluate("ChatWithUs.setTheme('dark'); ChatWithUs.setLocale('de')")
    expect(page.get_by_role("textbox", name="Nachricht")).to_be_visible()
    expect(page.locator("chat-with-us")).to_have_attribute("data-dark", "")
    page.evaluate("ChatWithUs('no such method'); ChatWithUs.shutdown()")
    expect(page.locator("chat-with-us")).to_have_count(0)
    assert page.evaluate("window.ChatWithUs") is None


def test_a_page_that_is_not_looked_at_says_in_its_title_how_much_is_new(
    site: Site, page: Page, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    page.goto(site.page())
    open_chat(page)
    look(page, away=True)
    page.evaluate("ChatWithUs.send('Where is my parcel?')")
    expect(page).to_have_title("(1) A shop")
    page.evaluate("document.title = 'Another page'")
    look(page, away=False)
    expect(page).to_have_title("Another page")
    is_answered(page, words)


def look(page: Page, *, away: bool) -> None:
    """As if the visitor had turned to another tab, or back."""
    page.evaluate(
        """away => {
          Object.defineProperty(document, "hidden", {value: away, configurable: true});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        away,
    )


def test_reset_leaves_nothing_of_whoever_was_here(site: Site, page: Page, house: House) -> None:
    answers_by(house, "tokens=5")
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    expect(requests(page)).to_have_count(1)
    field(page).fill("An unfinished thought")
    page.evaluate("ChatWithUs.reset()")
    assert "parcel" not in page.evaluate("JSON.stringify(localStorage)")
    assert "thought" not in page.evaluate("JSON.stringify(localStorage)")
    open_chat(page)
    expect(requests(page)).to_have_count(0)
    expect(field(page)).to_have_value("")


def test_languages_asked_for_at_once_a_reset_before_anything_and_a_host_with_a_slash(
    site: Site, page: Page, house: House, context: BrowserContext
) -> None:
    address = site.page(settings=f'data-host="{site.host}/"')
    page.goto(address)
    page.evaluate(
        "key => localStorage.setItem(key, JSON.stringify({draft: 'Of somebody before'}))",
        f"chatwithus:{house.agent.id}",
    )
    page.evaluate("ChatWithUs.reset()")
    open_chat(page)
    expect(field(page)).to_have_value("")
    late: list[Route] = []
    page.route("**/widget-de.json", lambda route: late.append(route))
    page.evaluate("for (const locale of ['de', 'fr', 'de', 'fr']) ChatWithUs.setLocale(locale)")
    expect(page.locator("chat-with-us .panel[lang=fr]")).to_be_visible()
    with page.expect_event("requestfinished", lambda request: "widget-de" in request.url):
        for route in late:
            route.continue_()
    expect(page.locator("chat-with-us .panel[lang=fr]")).to_be_visible()
    expect(page.locator("chat-with-us .panel")).to_have_count(1)


def test_who_is_identified_is_told_once_and_again_when_it_is_somebody_else(
    site: Site, page: Page, house: House
) -> None:
    vouching(house)
    page.goto(site.page())
    page.evaluate("window.told = 0; addEventListener('chatwithus:identified', () => told++)")
    page.evaluate("jwt => ChatWithUs.identify({jwt})", signed(house))
    open_chat(page)
    page.wait_for_function("told === 1")
    # A page that moves the element makes it come again, as the same.
    page.evaluate("document.documentElement.append(document.querySelector('chat-with-us'))")
    is_online(page)
    assert page.evaluate("told") == 1
    page.evaluate("jwt => ChatWithUs.identify({jwt})", signed(house, sub="another"))
    page.wait_for_function("told === 2")


def test_settings_come_from_the_script_or_from_a_variable_and_any_element_may_open_it(
    site: Site, page: Page
) -> None:
    settings = "<script>window.chatWithUsSettings = {title: 'From a variable', position: 'left', color: '#ff0'}</script>"
    button = '<button data-chatwithus-open data-chatwithus-message="About tents">Ask</button>'
    page.goto(
        site.page(
            head=settings,
            body=button,
            settings='data-title="From the script" data-launcher="hidden" data-greeting="Moin."',
        )
    )
    expect(page.locator("chat-with-us")).to_have_attribute("data-left", "")
    expect(launcher(page)).to_be_hidden()
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("dialog", name="From the script")).to_be_visible()
    expect(page.get_by_text("Moin.")).to_be_visible()
    expect(field(page)).to_have_value("About tents")
    # Yellow is kept as it is where dark text can be read on it, and darkened where it is text itself.
    colors = page.evaluate("""() => ["--cwu-accent", "--cwu-accent-text", "--cwu-accent-ink"].map((name) =>
      document.querySelector("chat-with-us").style.getPropertyValue(name))""")
    assert colors[:2] == ["rgb(255 255 0)", "rgb(23 26 31)"]
    assert colors[2] != colors[0]


def test_nothing_is_asked_of_anybody_before_it_is_opened_and_then_only_of_our_own_host(
    site: Site, page: Page, context: BrowserContext, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(site.page(settings='data-locale="fr"'))
    expect(launcher(page)).to_have_accessible_name("Ouvrir le chat")
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(site.origin)] == [f"{site.host}/widget.js"]
    launcher(page).click()
    is_online(page)
    ask(page, "Bonjour")
    is_answered(page, words)
    hosts = {url.replace("ws:", "http:") for url in asked if not url.startswith(site.origin)}
    assert all(url.startswith(site.host) for url in hosts), hosts
    assert context.cookies() == []


def test_what_other_windows_post_is_not_heard(site: Site, page: Page, house: House) -> None:
    """Neither from a frame of another origin nor from the page itself: there is no listener that could take it for ours."""
    posts = """<script>for (const name of ["open", "send", "identify", "shutdown"]) for (const target of [window, parent])
      target.postMessage({type: name, name, args: ["x"], q: [[name, "x"]]}, "*"); document.title = "posted"</script>"""
    page.add_init_script(
        """window.listened = []; const add = EventTarget.prototype.addEventListener;
        EventTarget.prototype.addEventListener = function (name, ...rest) { window.listened.push(name); return add.call(this, name, ...rest); }"""
    )
    foreign = Site(site.host, site.agent)
    framed = f'<iframe src="{foreign.page("/frame", head=posts)}"></iframe>'
    page.goto(site.page(head=posts, body=framed))
    expect(page.frame_locator("iframe").locator("h1")).to_be_visible()
    expect(launcher(page)).to_be_visible()
    page.evaluate("postMessage({type: 'open'}, '*')")
    assert page.evaluate("new Promise((done) => setTimeout(() => done(ChatWithUs.isOpen())))") is False
    assert "message" not in page.evaluate("window.listened")
    assert "click" in page.evaluate("window.listened"), "it would have been seen"
    foreign.close()


def test_a_page_with_the_strictest_policy_needs_only_our_host_in_it(
    site: Site, page: Page, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.goto(site.page(settings='data-locale="de"', headers=site.strict))
    launcher(page).click()
    is_online(page)
    ask(page, "Guten Tag")
    is_answered(page, words)
    height = page.locator("chat-with-us .panel").evaluate("panel => panel.getBoundingClientRect().height")
    assert height > 400, "it is dressed"
    assert [text for text in complaints if "favicon" not in text] == []


def test_frameworks_that_swap_pages_leave_the_conversation_alone(
    site: Site, page: Page, house: House
) -> None:
    words = answers_by(house, "tokens=5")
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, words)
    # Turbo: another body, whose scripts run again. Astro: what stands in the root is replaced.
    page.evaluate("""() => {
      history.pushState({}, "", "/other");
      const line = document.querySelector("script[data-agent]");
      const body = document.createElement("body");
      body.innerHTML = "<h1>Another page</h1>";
      const again = document.createElement("script");
      again.src = line.src;
      again.dataset.agent = line.dataset.agent;
      body.append(again);
      document.body.replaceWith(body);
    }""")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelector('chat-with-us').remove()")
    expect(page.locator("chat-with-us")).to_have_count(1)
    is_answered(page, words)
    is_online(page)
    ask(page, "And now?")
    is_answered(page, words, count=2)


@pytest.mark.parametrize("what", ["throws", "is full"])
def test_it_works_where_storage_is_refused(site: Site, page: Page, house: House, what: str) -> None:
    words = answers_by(house, "tokens=5")
    throw = "throw new DOMException('denied', 'SecurityError')"
    page.add_init_script(
        f"Object.defineProperty(window, 'localStorage', {{get() {{ {throw}; }}}})"
        if what == "throws"
        else f"Storage.prototype.setItem = () => {{ {throw}; }}"
    )
    page.goto(site.page())
    open_chat(page)
    ask(page, "Where is my parcel?")
    is_answered(page, words)
