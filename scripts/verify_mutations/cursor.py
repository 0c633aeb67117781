"""A place in a list of tokens, and the choices made while it is read.

Where readers may differ, the reader calls `choose(NAME, N)`. A text is read once for every combination of choices that it meets;
a choice holds for the whole text, as a convention does.
"""

from tex import Malformed, Unclear, tokens

MOST_READINGS = 64


class Cursor:
    """Tokens with a position; `plan` says which choices are fixed, `taken` which were met and how many options each has."""

    def __init__(self, found, plan):
        self.tokens, self.plan, self.taken, self.at = found, plan, {}, 0
        self.bars, self.depth = 0, 0
        self.last, self.first, self.last_power = ("done",), None, ""
        self.summed = False

    def choose(self, name, options=2):
        """The option for the choice `name`: 0 is the strict or usual one."""
        if name not in self.taken:
            self.taken[name] = (self.plan.get(name, 0), options)
        return self.taken[name][0]

    def lenient(self, name):
        """A spelling that is malformed, strictly, and that some readers forgive: both are readings."""
        if self.choose(name) == 0:
            raise Malformed(name)

    def peek(self, ahead=0):
        """The text of a token, None at the end; texts never look like symbols."""
        token = self.token(ahead)
        return None if token is None else "text" if token.kind == "text" else token.text

    def token(self, ahead=0):
        """The token itself."""
        place = self.at + ahead
        return self.tokens[place] if 0 <= place < len(self.tokens) else None

    def kind(self, ahead=0):
        """The kind of a token, None at the end."""
        token = self.token(ahead)
        return token.kind if token else None

    def gap(self, ahead=0):
        """The gap before a token."""
        token = self.token(ahead)
        return token.gap if token else ""

    def next(self):
        """Takes a token."""
        token = self.token()
        if token is None:
            raise Malformed("ends where something must follow")
        self.at += 1
        return token

    def take(self, *texts):
        """Takes the next token if it is one of these."""
        if self.kind() != "text" and self.peek() in texts:
            return self.next().text
        return None

    def need(self, text):
        """Takes the next token, which must be this one."""
        if self.take(text) is None:
            raise Malformed(f"{text} is missing before {self.peek() or 'the end'}")


def readings(text, read):
    """Every reading of a text: (choices, node), where a malformed reading has the node ("malformed", why)."""
    try:
        found = tokens(text)
    except Malformed as error:
        return [({}, ("malformed", str(error)))]
    plans, result = [{}], []
    while plans:
        plan = plans.pop()
        cursor = Cursor(found, plan)
        try:
            node = read(cursor)
        except Malformed as error:
            node = ("malformed", str(error))
        except RecursionError:
            raise Unclear("nested too deeply") from None
        result.append(({name: option for name, (option, _) in cursor.taken.items()}, node))
        before = {}
        for name, (option, options) in cursor.taken.items():
            if name not in plan:
                plans += [{**before, name: other} for other in range(1, options)]
            before[name] = option
        if len(result) + len(plans) > MOST_READINGS:
            raise Unclear("too many readings")
    return result
