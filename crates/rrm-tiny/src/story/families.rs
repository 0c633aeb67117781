//! The tables of sentences from which stories are made.

use super::chain::StepOperator;

/// A number in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `{a}`
    A,
    /// `{b}`
    B,
    /// The number of units in one of the bigger unit.
    Factor,
    /// The 2 of "half" and "twice".
    Two,
}

/// The effect of a sentence on the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// The total begins with `{a}`.
    Begin,
    /// The total begins with a product, which is a step.
    BeginProduct(Number, Number),
    /// A step with the total and a number.
    Step(StepOperator, Number),
    /// A product, which is a step, and then a step with the total and this product.
    Product(StepOperator, Number, Number),
    /// A step with the total and its first value.
    FromStart(StepOperator),
}

/// A sentence with gaps, and its effect.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// The sentence; `{who}` and the like are gaps.
    pub text: &'static str,
    /// Its effects in order; empty if its number does not matter.
    pub tells: &'static [Tells],
}

/// A countable unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The requested unit: `days`.
    pub unit: &'static str,
    /// A unit that could be confused with it. Both are requested equally often: if `a` has the rival `b`, `b` has the rival `a`.
    pub rival: &'static str,
    /// The bigger unit: `weeks`; empty if there is none.
    pub big: &'static str,
    /// The number of units in one bigger unit; 0 if there is none.
    pub factor: u8,
}

/// A family of stories.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Whether the family is held out of training.
    pub held_out: bool,
    /// The units that its stories may count.
    pub measures: &'static [Measure],
    /// The sentences of its stories. A story begins with a sentence that sets the total, and no other sentence does so.
    pub lines: &'static [Template],
    /// The questions of its stories.
    pub questions: &'static [Template],
}

/// Names, and whether each is masculine.
pub const NAMES: [(&str, bool); 12] = [
    ("Tom", true),
    ("Anna", false),
    ("Ben", true),
    ("Mia", false),
    ("Max", true),
    ("Eva", false),
    ("Leo", true),
    ("Lisa", false),
    ("Sam", true),
    ("Nora", false),
    ("Paul", true),
    ("Jane", false),
];

/// Leads that may come before a sentence about a person's action, so that the same content has many wordings.
pub const LEADS: [&str; 6] = ["", "Then", "After that", "Later", "Next", "Soon"];

impl Template {
    /// Whether one of [`LEADS`] may come before the sentence: it is a step, and it begins with a person.
    pub fn leads(&self) -> bool {
        let steps = !matches!(self.tells, [] | [Tells::Begin | Tells::BeginProduct(..)]);
        steps && (self.text.starts_with("{he} ") || self.text.starts_with("{other} "))
    }
}

use Number::{A, B, Factor, Two};
use StepOperator::{Minus, Over, Plus, Times};
use Tells::{Begin, BeginProduct, FromStart, Product, Step};

const fn line(text: &'static str, tells: &'static [Tells]) -> Template {
    Template { text, tells }
}

const fn pair(unit: &'static str, rival: &'static str) -> Measure {
    Measure { unit, rival, big: "", factor: 0 }
}

const fn scaled(unit: &'static str, rival: &'static str, big: &'static str, factor: u8) -> Measure {
    Measure { unit, rival, big, factor }
}

const ITEMS: &[Measure] = &[
    pair("apples", "pears"),
    pair("pears", "apples"),
    pair("books", "pens"),
    pair("pens", "books"),
    pair("stamps", "cards"),
    pair("cards", "stamps"),
    pair("cups", "plates"),
    pair("plates", "cups"),
];

/// All families. The last one consists of words of the others only, and is held out of training.
pub const FAMILIES: [Family; 8] = [
    Family {
        name: "things",
        held_out: false,
        measures: ITEMS,
        lines: &[
            line("{who} has {a} {item}.", &[Begin]),
            line("There are {a} {item} on the table of {who}.", &[Begin]),
            line("{who} buys {b} boxes with {a} {item} each.", &[BeginProduct(B, A)]),
            line("{he} buys {a} more.", &[Step(Plus, A)]),
            line("{other} gives {him} {a} more.", &[Step(Plus, A)]),
            line("{he} finds {a} {item} at home.", &[Step(Plus, A)]),
            line("{he} gives {a} of them to {other}.", &[Step(Minus, A)]),
            line("{he} loses {a}.", &[Step(Minus, A)]),
            line("{he} sells {a} {item}.", &[Step(Minus, A)]),
            line("{he} gets {a} {item} from {other}.", &[Step(Plus, A)]),
            line("{other} takes {a} of them.", &[Step(Minus, A)]),
            line("{he} puts {a} of them in a box for {other}.", &[Step(Minus, A)]),
            line("{he} has twice as many.", &[Step(Times, Two)]),
            line("{he} keeps only half of them.", &[Step(Over, Two)]),
            line("{he} gets {b} bags of {a} {item}.", &[Product(Plus, B, A)]),
            line("Before {he} gives {a} to {other}, {he} buys {b} more.", &[Step(Plus, B), Step(Minus, A)]),
            line("{other} has {a} {rival}.", &[]),
            line("The {rival} of {other} cost {a} dollars.", &[]),
        ],
        questions: &[
            line("How many {item} does {who} have now?", &[]),
            line("How many {item} are left for {who}?", &[]),
            line("At the end, how many {item} does {he} have?", &[]),
        ],
    },
    Family {
        name: "money",
        held_out: false,
        measures: &[pair("dollars", "euros"), pair("euros", "dollars")],
        lines: &[
            line("{who} has {a} {item}.", &[Begin]),
            line("{who} starts the day with {a} {item}.", &[Begin]),
            line("{who} works {b} hours and gets {a} {item} an hour.", &[BeginProduct(B, A)]),
            line("{he} earns {a} {item}.", &[Step(Plus, A)]),
            line("{other} pays {him} back {a} {item}.", &[Step(Plus, A)]),
            line("{he} spends {a} {item} on lunch.", &[Step(Minus, A)]),
            line("{he} gets {a} {item} from {other}.", &[Step(Plus, A)]),
            line("{he} loses {a} {item}.", &[Step(Minus, A)]),
            line("{he} gives {a} {item} to {other}.", &[Step(Minus, A)]),
            line("{he} finds {a} {item} at home.", &[Step(Plus, A)]),
            line("{he} pays {a} {item} for a ticket.", &[Step(Minus, A)]),
            line("{he} buys {b} pens for {a} {item} each.", &[Product(Minus, B, A)]),
            line("{he} sells {b} cups for {a} {item} each.", &[Product(Plus, B, A)]),
            line("{he} puts half of {his} money in the bank.", &[Step(Over, Two)]),
            line("Before {he} pays {a} {item} to {other}, {he} earns {b}.", &[Step(Plus, B), Step(Minus, A)]),
            line("{other} has {a} {rival}.", &[]),
            line("{other} is {a} years old.", &[]),
        ],
        questions: &[
            line("How much money does {who} have now, in {item}?", &[]),
            line("How many {item} are left for {who}?", &[]),
            line("At the end, how many {item} does {he} have?", &[]),
        ],
    },
    Family {
        name: "travel",
        held_out: false,
        measures: &[pair("km", "miles"), pair("miles", "km")],
        lines: &[
            line("{who} drives {a} {item} from home.", &[Begin]),
            line("{who} is on a trip, {a} {item} from home.", &[Begin]),
            line("{who} walks {a} {item} an hour for {b} hours.", &[BeginProduct(A, B)]),
            line("{he} goes on for {a} {item}.", &[Step(Plus, A)]),
            line("{he} takes a bus for {a} more {item}.", &[Step(Plus, A)]),
            line("{he} turns and walks back {a} {item}.", &[Step(Minus, A)]),
            line("By mistake {he} goes back {a} {item}.", &[Step(Minus, A)]),
            line("{he} walks {a} more {item}.", &[Step(Plus, A)]),
            line("{he} needs to go back {a} {item} with {other}.", &[Step(Minus, A)]),
            line("{he} goes on for {b} hours, {a} {item} an hour.", &[Product(Plus, B, A)]),
            line("{he} goes back for {b} hours, {a} {item} an hour.", &[Product(Minus, B, A)]),
            line("{he} is twice as far from home.", &[Step(Times, Two)]),
            line("{other} lives {a} {rival} from the sea.", &[]),
            line("{other} is {a} years old.", &[]),
        ],
        questions: &[
            line("How many {item} is {who} from home now?", &[]),
            line("At the end, how far from home is {he}, in {item}?", &[]),
        ],
    },
    Family {
        name: "time",
        held_out: false,
        measures: &[pair("minutes", "seconds"), pair("seconds", "minutes")],
        lines: &[
            line("{who} reads for {a} {item}.", &[Begin]),
            line("The work of {who} takes {a} {item}.", &[Begin]),
            line("{who} does {b} tasks of {a} {item} each.", &[BeginProduct(B, A)]),
            line("{he} sings for {a} {item}.", &[Step(Plus, A)]),
            line("{he} cooks for {a} {item}.", &[Step(Plus, A)]),
            line("{other} saves {him} {a} {item}.", &[Step(Minus, A)]),
            line("{he} walks for {a} {item}.", &[Step(Plus, A)]),
            line("{he} helps {other} for {a} {item}.", &[Step(Plus, A)]),
            line("{other} takes {a} {item} of work from {him}.", &[Step(Minus, A)]),
            line("{he} needs {a} {item} less because {other} helps.", &[Step(Minus, A)]),
            line("{he} does {b} tasks of {a} {item} each.", &[Product(Plus, B, A)]),
            line("All of it takes twice as long.", &[Step(Times, Two)]),
            line("With help it takes only half as long.", &[Step(Over, Two)]),
            line("{other} walks for {a} {rival}.", &[]),
            line("{other} is {a} years old.", &[]),
        ],
        questions: &[line("How many {item} does {who} need in all?", &[]), line("How long does it take in all, in {item}?", &[])],
    },
    Family {
        name: "rope",
        held_out: false,
        measures: &[scaled("inches", "feet", "feet", 12), scaled("feet", "inches", "yards", 3)],
        lines: &[
            line("{who} has {a} {big} of rope.", &[BeginProduct(A, Factor)]),
            line("There are {a} {item} of rope on the table of {who}.", &[Begin]),
            line("{other} gives {him} {a} more {item}.", &[Step(Plus, A)]),
            line("{he} cuts off {a} {item}.", &[Step(Minus, A)]),
            line("{he} finds {a} {item} more.", &[Step(Plus, A)]),
            line("{he} sells {a} {item} of it to {other}.", &[Step(Minus, A)]),
            line("{he} loses {a} {item} of it.", &[Step(Minus, A)]),
            line("{he} buys {a} more {big}.", &[Product(Plus, A, Factor)]),
            line("{he} needs {a} {big} of it for a box.", &[Product(Minus, A, Factor)]),
            line("{he} cuts off {b} pieces of {a} {item} each.", &[Product(Minus, B, A)]),
            line("{he} keeps only half of it.", &[Step(Over, Two)]),
            line("{other} is {a} years old.", &[]),
        ],
        questions: &[
            line("How many {item} of rope does {who} have now?", &[]),
            line("At the end, how long is the rope, in {item}?", &[]),
        ],
    },
    Family {
        name: "stay",
        held_out: false,
        measures: &[scaled("days", "months", "weeks", 7), scaled("months", "days", "years", 12)],
        lines: &[
            line("{who} stays at the sea for {a} {big}.", &[BeginProduct(A, Factor)]),
            line("The trip of {who} takes {a} {item}.", &[Begin]),
            line("{he} stays {a} {item} more.", &[Step(Plus, A)]),
            line("{other} asks {him} to stay {a} more {item}.", &[Step(Plus, A)]),
            line("{he} goes home {a} {item} early.", &[Step(Minus, A)]),
            line("{other} pays for {a} {item} more.", &[Step(Plus, A)]),
            line("{other} needs {him} at home {a} {item} early.", &[Step(Minus, A)]),
            line("It rains, and {he} stays {a} {item} less.", &[Step(Minus, A)]),
            line("{he} stays {a} {big} more.", &[Product(Plus, A, Factor)]),
            line("{he} stays twice as long.", &[Step(Times, Two)]),
            line("{other} stays for {a} {rival}.", &[]),
            line("The ticket of {other} cost {a} euros.", &[]),
        ],
        questions: &[line("How many {item} does {who} stay in all?", &[]), line("How long does {he} stay, in {item}?", &[])],
    },
    Family {
        name: "comparison",
        held_out: false,
        measures: ITEMS,
        lines: &[
            line("{who} has {a} {item}.", &[Begin]),
            line("{who} buys {b} bags with {a} {item} each.", &[BeginProduct(B, A)]),
            line("{next} has {a} more than {prev}.", &[Step(Plus, A)]),
            line("{prev} has {a} fewer than {next}.", &[Step(Plus, A)]),
            line("{next} has {a} fewer than {prev}.", &[Step(Minus, A)]),
            line("{prev} has {a} more than {next}.", &[Step(Minus, A)]),
            line("{next} has twice as many as {prev}.", &[Step(Times, Two)]),
            line("{next} has half as many as {prev}.", &[Step(Over, Two)]),
            line("{other} has {a} {rival}.", &[]),
        ],
        questions: &[
            line("How many {item} does {prev} have?", &[]),
            line("How many more {item} does {prev} have than {who}?", &[FromStart(Minus)]),
            line("How many {item} do {who} and {prev} have in all?", &[FromStart(Plus)]),
        ],
    },
    Family {
        name: "table",
        held_out: true,
        measures: ITEMS,
        lines: &[
            line("{who} puts {a} {item} on the table.", &[Begin]),
            line("At home {who} has {b} bags with {a} {item} each.", &[BeginProduct(B, A)]),
            line("{other} puts {a} more on it.", &[Step(Plus, A)]),
            line("{other} finds {a} more {item}.", &[Step(Plus, A)]),
            line("{other} takes {a} of them home.", &[Step(Minus, A)]),
            line("By mistake {he} gives {a} to {other}.", &[Step(Minus, A)]),
            line("{other} gets {b} boxes of {a} {item}.", &[Product(Plus, B, A)]),
            line("{he} has twice as many.", &[Step(Times, Two)]),
            line("{he} sells half of them.", &[Step(Over, Two)]),
            line("{other} earns {a} dollars.", &[]),
        ],
        questions: &[line("How many {item} are on the table now?", &[]), line("At the end, how many {item} are left?", &[])],
    },
];
