// Data of the page -> the browser of cases. Texts become text nodes; nothing in them is ever read as markup.
"use strict";
const runs = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const state = { filter: "all", place: 0, list: [] };

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function scroller(text, label) {
  const made = element("pre", text);
  made.tabIndex = 0;
  made.setAttribute("role", "region");
  made.setAttribute("aria-label", label);
  return made;
}

function side(one, right, place) {
  const box = element("div", undefined, right ? "side right" : "side");
  box.append(element("h4", "Response " + one.index + (right ? " (right by the label)" : "")));
  box.append(scroller(one.text, "Response " + one.index));
  return box;
}

function written(one, right) {
  const made = element("details");
  const verdict = one.chosen === null ? one.said : "for response " + one.chosen;
  const kind = one.chosen === null ? "bad" : one.chosen === right ? "good" : "bad";
  const summary = element("summary", "Response " + one.first + " shown first, " + one.tokens + " tokens: ");
  summary.append(element("strong", verdict, kind));
  made.append(summary);
  if (one.thinking) made.append(element("h4", "Thinking"), scroller(one.thinking, "Thinking"));
  if (one.answer !== null) made.append(element("h4", "Answer"), scroller(one.answer, "Answer"));
  if (one.answer === null) made.append(element("p", "The transcript is not in the store.", "soft"));
  return made;
}

function shown(one) {
  const made = element("div", undefined, "case");
  const head = element("h3", one.id + " – " + one.subset);
  one.flags.forEach((flag) => head.append(element("span", flag, "tag")));
  made.append(head);
  made.append(element("p", "Right: " + one.label + ". Decided: " + one.decisions.join(", ") + " (in the benchmark's own order).", "soft"));
  if (one.error) made.append(element("p", one.error, "bad"));
  const sides = element("div", undefined, "sides");
  const right = one.label === "first" ? one.pair[0] : one.label === "second" ? one.pair[1] : null;
  if (one.texts) {
    const prompt = element("details");
    prompt.open = one.texts.prompt.length < 1500;
    prompt.append(element("summary", "Prompt"), scroller(one.texts.prompt, "Prompt"));
    made.append(prompt);
    const [a, b] = one.texts.responses;
    sides.append(side(a, one.label === "first"), side(b, one.label === "second"));
  } else {
    made.append(element("p", "The data that was judged is not at hand, so its texts are not shown.", "soft"));
  }
  const votes = element("div", undefined, "side");
  votes.append(element("h4", "What the judge wrote"));
  one.written.forEach((vote) => votes.append(written(vote, right)));
  if (votes.querySelector("details")) votes.querySelector("details").open = true;
  if (one.more_votes) votes.append(element("p", one.more_votes + " more votes are not shown.", "soft"));
  sides.append(votes);
  made.append(sides);
  return made;
}

function show() {
  const one = state.list[state.place];
  at("case").replaceChildren(one ? shown(one) : element("p", "No case is like that.", "soft"));
  at("count").textContent = state.list.length ? state.place + 1 + " of " + state.list.length : "0";
  at("before").disabled = state.place === 0;
  at("next").disabled = state.place + 1 >= state.list.length;
}

function choose() {
  const run = runs[at("run").value];
  const wanted = at("find").value.toLowerCase();
  const texts = (one) => (one.texts ? [one.texts.prompt, ...one.texts.responses.map((side) => side.text)] : []);
  const said = (one) => one.written.flatMap((vote) => [vote.thinking || "", vote.answer || ""]);
  const holds = (one) => !wanted || [one.id, one.subset, ...texts(one), ...said(one)].some((text) => text.toLowerCase().includes(wanted));
  const kind = (one) => (state.filter === "all" ? true : state.filter === "right" ? !one.flags.includes("wrong") : one.flags.includes(state.filter));
  state.list = run.cases.filter((one) => kind(one) && holds(one));
  state.place = 0;
  at("left").textContent = run.left_out ? run.left_out + " cases of this judge are not in this page." : "All cases of this judge are here.";
  show();
}

function step(by) {
  const place = state.place + by;
  if (place < 0 || place >= state.list.length) return;
  state.place = place;
  show();
}

runs.forEach((run, place) => {
  const option = element("option", run.name);
  option.value = place;
  at("run").append(option);
});
at("run").addEventListener("change", choose);
at("find").addEventListener("input", choose);
at("before").addEventListener("click", () => step(-1));
at("next").addEventListener("click", () => step(1));
document.querySelectorAll("[data-filter]").forEach((button) => {
  button.addEventListener("click", () => {
    state.filter = button.dataset.filter;
    document.querySelectorAll("[data-filter]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    choose();
  });
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
});
choose();
