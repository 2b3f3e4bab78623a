"""The HTML a person sees: the consent screen and its error page. No script, nothing loaded from elsewhere."""

from html import escape
from typing import TYPE_CHECKING

from graph_sandbox.state import World

if TYPE_CHECKING:
    from graph_sandbox.dialog import Asked

SCOPE_TEXTS = {
    "public_profile": "Receive your name and profile picture",
    "ads_management": "Manage ads for ad accounts you have access to",
    "ads_read": "Read ads and their results for ad accounts you have access to",
    "business_management": "Manage your businesses",
    "email": "Receive your email address",
}

STYLE = """
*{box-sizing:border-box}
body{margin:0;background:#f0f2f5;font:16px/1.45 system-ui,sans-serif;color:#1c1e21}
main{max-width:30rem;margin:3rem auto;padding:1.5rem 2rem;background:#fff;border-radius:.75rem;
box-shadow:0 1px 4px #0003}
h1{font-size:1.35rem;margin:.2rem 0 .6rem}p.note{color:#55595f;font-size:.9rem}
label{display:block;margin:.55rem 0}label.scope{display:flex;gap:.6rem;align-items:flex-start}
select{display:block;width:100%;font:inherit;padding:.5rem;margin-top:.3rem;color:inherit;background:#fff;
border:1px solid #65676b;border-radius:.45rem}
input[type=checkbox]{width:1.25rem;height:1.25rem;margin:.15rem 0;flex:none}
small{color:#55595f;overflow-wrap:anywhere}
fieldset{min-width:0;border:1px solid #65676b;border-radius:.5rem;margin:1rem 0}
button{display:block;width:100%;min-height:2.75rem;font:inherit;padding:.6rem 1rem;border:0;
border-radius:.45rem;margin:.5rem 0 0;background:#e4e6eb;color:#1c1e21;cursor:pointer}
button.main{background:#0a5fd6;color:#fff}
:focus-visible{outline:3px solid #0a5fd6;outline-offset:2px}
.band{background:#fff3cd;padding:.4rem .7rem;border-radius:.4rem;font-size:.85rem}
main.wide{max-width:90rem}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}a{color:#0a5fd6}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.88rem;white-space:nowrap}
th,td{text-align:left;padding:.3rem .7rem;border-bottom:1px solid #dadde1;vertical-align:top}
table.text td{white-space:normal;min-width:18rem}
@media(max-width:32rem){main{margin:0;max-width:none;min-height:100vh;padding:1rem;border-radius:0}}
"""


def consent(asked: "Asked", world: World, action: str) -> str:
    """The dialog: who is asking, for what, who is answering, and three ways to answer."""
    hidden = {
        "client_id": asked.client_id,
        "redirect_uri": asked.redirect_uri,
        "state": asked.state,
        "scope": ",".join(asked.scopes),
        "response_type": asked.response_type,
        "auth_type": "rerequest" if asked.rerequest else "",
    }
    app_name = escape(world.app.name)
    asked_now = asked.askable(world)
    withheld = [scope for scope in asked.scopes if scope not in asked_now]
    note = ""
    if withheld:
        note = (
            f'<p class="note">Not asked again because you declined before: {escape(", ".join(withheld))}. '
            "An app asks again with auth_type=rerequest.</p>"
        )
    return page(
        f"{app_name} wants access",
        f"""<p class="band">Sandbox: nothing here reaches Meta.</p>
<h1>{app_name} wants to access your ad accounts</h1>
<form method="post" action="{escape(action)}">
{_hidden(hidden)}
<label for="persona">Continue as
<select id="persona" name="persona">{_personas(world, asked.persona)}</select></label>
<fieldset><legend>{app_name} would be able to</legend>
{"".join(map(_scope, asked_now))}</fieldset>{note}
<button class="main" name="decision" value="approve">Continue</button>
<button name="decision" value="partial">Allow only what is ticked</button>
<button name="decision" value="decline">Cancel</button>
</form>""",
    )


def error(problem: str) -> str:
    return page("Something went wrong", f"<h1>Sorry, something went wrong</h1><p>{escape(problem)}</p>")


def page(title: str, body: str, *, wide: bool = False) -> str:
    """A whole page around a body; `wide` is for tables."""
    kind = " class=wide" if wide else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # Without an icon of its own a browser asks for one, and Graph answers that it lacks a token.
        '<link rel="icon" href="data:,">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main{kind}>{body}</main></body></html>"
    )


def _hidden(values: dict[str, str]) -> str:
    return "\n".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items()
    )


def _personas(world: World, chosen: str) -> str:
    people = world.personas.values()
    return "".join(_option(person.key, f"{person.name}: {person.about}", chosen) for person in people)


def _option(key: str, text: str, chosen: str) -> str:
    selected = " selected" if key == chosen else ""
    return f'<option value="{key}"{selected}>{escape(text)}</option>'


def _scope(scope: str) -> str:
    text = escape(SCOPE_TEXTS.get(scope, scope))
    fixed = " disabled" if scope == "public_profile" else ""
    box = f'<input type="checkbox" name="granted" value="{escape(scope)}" checked{fixed}>'
    return f'<label class="scope">{box}<span>{text} <small>({escape(scope)})</small></span></label>\n'
