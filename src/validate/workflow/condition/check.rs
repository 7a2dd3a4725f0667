//! The visitor of a condition's tree: allows what is known, and rewrites what `cel` 0.13 answers wrongly.
//!
//! A path becomes one identifier, so that an evaluation copies no more than the values it names. `==`, `in` and `-x`
//! become functions of [`super::functions`]: the crate's own compare `1` and `1.0` as different, and negate the
//! least integer with an overflow. A field of what is no object becomes an index, which is an error and not `false`.

use std::collections::BTreeMap;

use cel::IdedExpr;
use cel::common::ast::{
    CallExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr, operators,
};
use regex::{Regex, RegexBuilder};

use super::super::scope::{ROOTS, is_field_name};
use super::kind::Kind;
use super::parse::{Condition, Variable};

/// Nodes of a tree, at most.
const MOST_NODES: usize = 256;
/// Nodes that are visited in an evaluation, at most.
const MOST_WORK: u64 = 1_000_000;
/// Bytes of a pattern, at most.
const LONGEST_PATTERN: usize = 256;
/// Bytes of a compiled pattern, at most.
const LARGEST_PATTERN: usize = 64 * 1024;

/// Functions that a condition can call.
const FUNCTIONS: &str = "size, has, startsWith, endsWith, contains, matches, all, exists, exists_one, filter, \
                         int, uint, double, string";

/// The state of one visit.
pub(super) struct Visitor {
    pub(super) in_finally: bool,
    problems: Vec<String>,
    pub(super) variables: BTreeMap<String, Variable>,
    patterns: Vec<Regex>,
    /// Variables of the comprehensions around.
    pub(super) bound: Vec<String>,
    /// How often what is visited is evaluated, at most.
    pub(super) passes: u64,
    nodes: usize,
    work: u64,
}

impl Visitor {
    pub(super) fn new(in_finally: bool) -> Self {
        Self {
            in_finally,
            problems: Vec::new(),
            variables: BTreeMap::new(),
            patterns: Vec::new(),
            bound: Vec::new(),
            passes: 1,
            nodes: 0,
            work: 0,
        }
    }

    /// Visits a whole tree.
    pub(super) fn finish(mut self, expression: &IdedExpr) -> Result<Condition, Vec<String>> {
        let tree = self.visit(expression);
        self.require_boolean(
            &tree,
            "a condition gives a boolean: compare what it names with something",
        );
        if self.nodes > MOST_NODES {
            self.tell(format!("has more than {MOST_NODES} nodes"));
        }
        if self.work > MOST_WORK {
            self.tell(format!("can take {} steps to evaluate, at most {MOST_WORK}", self.work));
        }
        if self.problems.is_empty() {
            Ok(Condition { tree, variables: self.variables, patterns: self.patterns.into() })
        } else {
            Err(self.problems)
        }
    }

    pub(super) fn tell(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Tells a problem and gives something in the place of what has it.
    pub(super) fn refuse(&mut self, problem: impl Into<String>) -> IdedExpr {
        self.tell(problem);
        literal(LiteralValue::Boolean(false.into()))
    }

    fn count(&mut self, nodes: usize) {
        self.nodes += nodes;
        self.work = self.work.saturating_add(self.passes.saturating_mul(nodes as u64));
    }

    pub(super) fn visit(&mut self, expression: &IdedExpr) -> IdedExpr {
        self.count(1);
        if self.nodes > MOST_NODES {
            return literal(LiteralValue::Boolean(false.into()));
        }
        if let Some((root, segments, is_test)) = self.chain(expression) {
            self.count(segments.len());
            return match self.variable(root, segments, is_test) {
                Ok(node) => node,
                Err(problem) => self.refuse(problem),
            };
        }
        match &expression.expr {
            Expr::Literal(LiteralValue::Bytes(_)) => self.refuse("bytes cannot be used"),
            Expr::Literal(_) => expression.clone(),
            Expr::Ident(name) if self.bound.contains(name) => expression.clone(),
            Expr::Ident(name) => {
                self.refuse(format!("there is no `{name}`, only {}", ROOTS.join(", ")))
            }
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(it) => self.refuse(format!("`{}{{…}}` cannot be used", it.type_name)),
            Expr::Unspecified => self.refuse("has a part that cannot be read"),
        }
    }

    /// Visits a field of what is no path. `has(a.b.c)` asks for `a.b` first.
    fn select(&mut self, select: &SelectExpr) -> IdedExpr {
        if !is_field_name(&select.field) {
            return self.refuse(format!("field {} must be written as `[\"…\"]`", select.field));
        }
        let operand = self.visit(&select.operand);
        if !select.test {
            let field = literal(LiteralValue::String(select.field.as_str().into()));
            return call(operators::INDEX, vec![operand, field]);
        }
        let test =
            SelectExpr { operand: Box::new(operand), field: select.field.clone(), test: true };
        let test = node(Expr::Select(test));
        let Expr::Select(inner) = &select.operand.expr else { return test };
        let before = self.select(&SelectExpr { test: true, ..inner.clone() });
        call(operators::LOGICAL_AND, vec![before, test])
    }

    fn list(&mut self, list: &ListExpr) -> IdedExpr {
        let elements = list.elements.iter().map(|element| self.visit(element)).collect();
        node(Expr::List(ListExpr::new(elements)))
    }

    fn map(&mut self, map: &MapExpr) -> IdedExpr {
        let mut entries = map.entries.clone();
        for entry in &mut entries {
            let EntryExpr::MapEntry(entry) = &mut entry.expr else {
                return self.refuse("has a part that cannot be read");
            };
            if !matches!(&entry.key.expr, Expr::Literal(LiteralValue::String(_))) {
                return self.refuse("a key of an object is a text in quotes");
            }
            entry.value = self.visit(&entry.value);
        }
        node(Expr::Map(MapExpr { entries }))
    }

    fn call(&mut self, function: &CallExpr) -> IdedExpr {
        let name = function.func_name.as_str();
        let (is_method, count) = (function.target.is_some(), function.args.len());
        match (name, is_method, count) {
            ("size", true, 0) | ("size", false, 1) => return self.size(function),
            ("matches", true, 1) => return self.matches(function),
            ("startsWith" | "endsWith" | "contains", true, 1)
            | ("int" | "uint" | "double" | "string", false, 1) => {}
            _ if name.contains('_') && !is_method => {}
            (operators::IN, false, 2) => {}
            _ => {
                let known = FUNCTIONS.split(", ").any(|known| known == name);
                let call = if known { "is not called in this way" } else { "is no function here" };
                return self.refuse(format!("`{name}` {call}; known are {FUNCTIONS}"));
            }
        }
        let arguments = function.target.as_deref().into_iter().chain(&function.args);
        let arguments = arguments.map(|argument| self.visit(argument)).collect();
        self.operator(name, arguments)
    }

    /// Checks and rewrites a call whose arguments, with the target as the first, are visited.
    fn operator(&mut self, name: &str, arguments: Vec<IdedExpr>) -> IdedExpr {
        match (name, arguments.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                self.require_boolean(left, "both sides of `&&` and `||` are booleans");
                self.require_boolean(right, "both sides of `&&` and `||` are booleans");
            }
            (operators::LOGICAL_NOT, [operand]) => {
                self.require_boolean(operand, "what follows `!` is a boolean");
            }
            (operators::CONDITIONAL, [condition, _, _]) => {
                self.require_boolean(condition, "what stands before `?` is a boolean");
            }
            (operators::NEGATE, [_]) => return call("@negate", arguments),
            (operators::EQUALS, [_, _]) => return call("@equals", arguments),
            (operators::NOT_EQUALS, [_, _]) => {
                return call(operators::LOGICAL_NOT, vec![call("@equals", arguments)]);
            }
            (operators::IN, [_, _]) => return call("@within", arguments),
            (operators::ADD, [left, right]) => {
                let has_number = [left, right].iter().any(|side| self.kind(side) == Kind::Number);
                if !has_number && !self.bound.is_empty() {
                    let message = "`+` within all, exists, exists_one or filter needs a number, \
                                   as in `1 + x` or `int(x) + y`";
                    return self.refuse(message);
                }
            }
            (
                operators::SUBSTRACT
                | operators::MULTIPLY
                | operators::DIVIDE
                | operators::MODULO
                | operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS
                | operators::INDEX
                | "startsWith"
                | "endsWith"
                | "contains",
                [_, _],
            )
            | ("int" | "uint" | "double" | "string", [_]) => {}
            _ => {
                return self.refuse(format!("`{name}` is no function here; known are {FUNCTIONS}"));
            }
        }
        call(name, arguments)
    }

    fn matches(&mut self, function: &CallExpr) -> IdedExpr {
        let (Some(target), [pattern]) = (&function.target, function.args.as_slice()) else {
            return self.refuse("`matches` is called as `text.matches('pattern')`");
        };
        let target = self.visit(target);
        let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
            return self.refuse("the pattern of `matches` is a text in quotes");
        };
        match compile(pattern.inner()) {
            Ok(pattern) => self.patterns.push(pattern),
            Err(problem) => return self.refuse(problem),
        }
        let index = i64::try_from(self.patterns.len()).unwrap_or_default() - 1;
        call("@matches", vec![target, literal(LiteralValue::Int(index.into()))])
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(format!("a pattern has at most {LONGEST_PATTERN} bytes"));
    }
    let mut builder = RegexBuilder::new(pattern);
    let built = builder.size_limit(LARGEST_PATTERN).nest_limit(32).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("pattern {pattern:?} is too large"),
        _ => format!("{pattern:?} is not a pattern"),
    })
}

pub(super) fn node(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

pub(super) fn literal(value: LiteralValue) -> IdedExpr {
    node(Expr::Literal(value))
}

pub(super) fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    node(Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        Condition::parse(text, false).map_or_else(|problems| problems, |_| Vec::new())
    }

    /// Asserts that each text is refused with a first problem that begins in this way.
    fn assert_refused(cases: &[(&str, &str)]) {
        for (text, start) in cases {
            let problems = problems(text);
            let first = problems.first().map(String::as_str).unwrap_or_default();
            assert!(!first.is_empty() && first.starts_with(start), "{text}: {problems:?}");
        }
    }

    #[test]
    fn names_are_those_that_are_known() {
        assert_refused(&[
            ("x == 1", "there is no `x`, only parameters, steps, schedule, item, run"),
            ("int == 1", "there is no `int`"),
            ("steps == 1", "`steps` is followed by the name of a step"),
            ("steps.a == 1", "`steps.a` is followed by one of phase, reason"),
            ("has(steps.a)", "`steps.a` is followed by one of phase, reason"),
            ("steps[parameters.x].rows == 1", "`steps` is followed by the name"),
            ("steps.A.rows == 1", "`A` cannot be the name of a step"),
            ("steps.a.row == 1", "a step has no field `row`, only phase"),
            ("steps.a.phase.x == 1", "`steps.a.phase` has no fields or items"),
            ("parameters[0] == 1", "`parameters` is followed by the name of a parameter"),
            ("schedule.x == 'a'", "`schedule` has nothing but `schedule.plannedAt`"),
            ("[1].all(item, item > 0)", "`item` has a meaning already"),
            ("run.phase == 'Failed'", "`run.phase` is known only to `finally` steps"),
            ("[1].all(steps, steps > 0)", "`steps` has a meaning already"),
            ("[1].all(x, [1].all(x, x > 0))", "`x` has a meaning already"),
            ("parameters.x.`a-b` == 1", "field `a-b` must be written as"),
        ]);
        assert!(Condition::parse("run.phase == 'Failed'", true).is_ok());
        assert_eq!(
            Condition::parse("run.x == 1", true).unwrap_err(),
            ["`run` has nothing but `run.phase`"]
        );
    }

    #[test]
    fn functions_are_those_that_are_known() {
        assert_refused(&[
            ("T{a: 1} == T{a: 1}", "`T{…}` cannot be used"),
            ("parameters.t{} == 1", "`parameters.t{…}` cannot be used"),
            ("b'a' == b'a'", "bytes cannot be used"),
            ("bytes('a').contains('')", "`bytes` is no function here"),
            ("timestamp('2024-01-01T00:00:00Z') < timestamp('x')", "`timestamp` is no function"),
            ("duration('1s') < duration('2s')", "`duration` is no function here"),
            ("parameters.x.getDayOfYear() == 1", "`getDayOfYear` is no function here"),
            ("max(1, 2) == 1", "`max` is no function here"),
            ("my_function(1)", "`my_function` is no function here"),
            ("optional.of(1) == 1", "`of` is no function here"),
            ("[1].map(x, x) == [1]", "`map` is no function here"),
            ("size([1].map(x, x + 1)) == 1", "`map` is no function here"),
            ("[1].filter(x, x > 0) == [1]", "`filter` is for counting only"),
            ("startsWith('a', 'b')", "`startsWith` is not called in this way"),
            ("size() == 1", "`size` is not called in this way"),
            ("has()", "`has` is not called in this way"),
            ("{1: 2} == {1: 2}", "a key of an object is a text in quotes"),
            ("parameters.x.matches(parameters.y)", "the pattern of `matches` is a text"),
            ("parameters.x.matches('(')", "\"(\" is not a pattern"),
            ("parameters.x.matches('((a{99}){99}){99}')", "pattern \"((a{99}){99}){99}\" is too"),
        ]);
    }

    #[test]
    fn a_condition_gives_a_boolean() {
        let message = "a condition gives a boolean";
        assert_refused(&[
            ("steps.a.rows", message),
            ("steps.a.phase", message),
            ("1 + 1", message),
            ("parameters.x + parameters.y", message),
            ("has(parameters.x).y + 1", message),
            ("size(parameters.x)", message),
            ("'true'", message),
            ("[true]", message),
            ("true ? 1 : 2", message),
            ("size(parameters.x.filter(y, y > 1))", message),
            ("steps.a.rows && true", "both sides of `&&`"),
            ("!steps.a.rows", "what follows `!`"),
            ("1 ? true : false", "what stands before `?`"),
            ("[1].all(x, 1)", "all, exists, exists_one and filter take a boolean"),
        ]);
        let fine = [
            "true",
            "steps.a.truncated",
            "parameters.x",
            "steps.a.result.ok",
            "has(steps.a.result)",
            "parameters.x ? true : parameters.y",
            "parameters.list[steps.a.attempts]",
            "[1].exists(x, x > 0)",
            "[1].exists_one(x, x > 0)",
            "!parameters.x",
            "size(parameters.x.filter(y, y > 1)) > 2 && parameters.x.filter(y, y.z == 1).size() == 1",
        ];
        for text in fine {
            assert_eq!(problems(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn size_nesting_and_passes_are_bounded() {
        let nodes = format!("1{} > 0", "+1".repeat(150));
        let three = "[1].all(x, [1].all(y, [1].all(z, x + y + 1 > 0)))";
        let data = "parameters.a.all(x, parameters.b.all(y, x == y))";
        let literals = format!("[{}].all(x, parameters.a.all(y, x == y))", "1,".repeat(101));
        let body = " && x.a == 1".repeat(20);
        let hundred = "1,".repeat(100);
        let work = format!("parameters.a.all(x, [{hundred}].all(y, true{body}))");
        assert_refused(&[
            (&nodes, "has more than 256 nodes"),
            (three, "all, exists, exists_one and filter are nested more than 2 deep"),
            (data, "passes over 1000000 items, at most 100000"),
            (&literals, "passes over 101000 items, at most 100000"),
            (&work, "can take "),
            ("parameters.a.all(x, x + 'a' == 'a')", "`+` within all"),
            ("parameters.a.exists(x, [1] + x == [1])", "`+` within all"),
        ]);
        let fine = "parameters.a.all(x, x + 1 > 0 && x in ['a'] && int(x) + x > 0 && size(x) > 1)";
        assert_eq!(problems(fine), Vec::<String>::new());
    }

    #[test]
    fn every_problem_is_told_once() {
        let told = problems("x == 1 && x == 2 && foo(y) && steps.a.row");
        assert_eq!(told.len(), 3, "{told:?}");
    }

    #[test]
    fn what_cannot_be_parsed_says_where() {
        let told = problems("steps.a.rows = 0");
        assert!(told[0].starts_with("line 1, column 14: "), "{told:?}");
        assert!(problems("(1").len() == 1 && !problems("'a").is_empty());
    }

    #[test]
    fn a_condition_says_what_it_names() {
        let text = "has(steps.a.result.x) || [1].all(y, steps.b.rows > y) || parameters.p[parameters[\"q\"]]";
        let condition = Condition::parse(text, false).expect("should be fine");
        let names =
            |names: std::collections::BTreeSet<String>| names.into_iter().collect::<Vec<_>>();
        assert_eq!(names(condition.steps()), ["a", "b"]);
        assert_eq!(names(condition.parameters()), ["p", "q"]);
        let paths: Vec<String> = condition.paths().map(ToString::to_string).collect();
        assert_eq!(paths, ["steps.a.result.x", "parameters.p", "parameters.q", "steps.b.rows"]);
    }
}
