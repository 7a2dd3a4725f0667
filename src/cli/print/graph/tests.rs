use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::labels::Shape;
use super::layers::Layers;
use super::layout::{Frame, Layout};
use super::steps::{Step, Steps};
use super::{Drawing, DrawnStep, Form, draw};

/// An id, an operator, dependencies, and the words `finally`, `when` or a phase.
type Row<'a> = (&'a str, &'a str, &'a [&'a str], &'a str);

fn with_drawing<T>(rows: &[Row<'_>], then: impl FnOnce(&Drawing<'_>) -> T) -> T {
    let dependencies: Vec<Vec<String>> = rows
        .iter()
        .map(|(_, _, names, _)| names.iter().map(|name| (*name).to_owned()).collect())
        .collect();
    let mut nodes = Vec::new();
    for ((id, operator, _, words), dependencies) in rows.iter().zip(&dependencies) {
        let (finally, conditional) = (words.contains("finally"), words.contains("when"));
        let phase = words.split(' ').find(|word| word.starts_with(char::is_uppercase));
        nodes.push(DrawnStep { id, operator, dependencies, finally, conditional, phase });
    }
    then(&Drawing { nodes })
}

/// Returns a text drawing after a line feed, so that what is expected begins on a line of its own.
fn text(rows: &[Row<'_>], width: usize) -> String {
    format!("\n{}", with_drawing(rows, |drawing| draw(drawing, Form::Text, width)))
}

/// Returns a drawing in a form after a line feed.
fn shown(rows: &[Row<'_>], form: Form) -> String {
    format!("\n{}", with_drawing(rows, |drawing| draw(drawing, form, 80)))
}

const FIVE: [Row<'static>; 5] = [
    ("extract", "http_fetch", &[], ""),
    ("clean", "sql", &["extract"], ""),
    ("profile", "table_profile", &["extract"], "when"),
    ("publish", "table_write", &["clean", "profile"], ""),
    ("notify", "webhook", &[], "finally"),
];

#[test]
fn no_steps_are_said() {
    assert_eq!(text(&[], 80), "\nno steps\n");
}

#[test]
fn five_steps_are_boxes_with_their_marks_below() {
    assert_eq!(
        text(&FIVE, 80),
        "
       ┌──────────────────────┐
       │ extract (http_fetch) │
       └───────────┬──────────┘
       ┌───────────┴────────────┐
       ▼                        ▼
┌─────────────┐   ┌───────────────────────────┐
│ clean (sql) │   │ profile ? (table_profile) │
└──────┬──────┘   └─────────────┬─────────────┘
       └───────┐       ┌────────┘
               ▼       ▼
        ┌───────────────────────┐
        │ publish (table_write) │
        └───────────────────────┘

╌╌ finally ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌

┌────────────────────┐
│ notify * (webhook) │
└────────────────────┘

?  runs only when its condition holds
*  runs after all other steps, whether they succeed or fail
"
    );
}

#[test]
fn a_narrow_terminal_gets_narrow_boxes_then_a_list() {
    assert_eq!(
        text(&FIVE, 40),
        "
      ┌──────────────┐
      │   extract    │
      │ (http_fetch) │
      └───────┬──────┘
      ┌───────┴────────┐
      ▼                ▼
  ┌───────┐   ┌─────────────────┐
  │ clean │   │    profile ?    │
  │ (sql) │   │ (table_profile) │
  └───┬───┘   └────────┬────────┘
      └─────┐    ┌─────┘
            ▼    ▼
       ┌───────────────┐
       │    publish    │
       │ (table_write) │
       └───────────────┘

╌╌ finally ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌

┌───────────┐
│ notify *  │
│ (webhook) │
└───────────┘

?  runs only when its condition holds
*  runs after all other steps, whether
   they succeed or fail
"
    );
    assert_eq!(
        text(&FIVE, 30),
        "
1  extract (http_fetch)
2  clean (sql),
   profile ? (table_profile)
   after extract
3  publish (table_write) after
   clean, profile
finally
4  notify * (webhook)

?  runs only when its
   condition holds
*  runs after all other steps,
   whether they succeed or
   fail
"
    );
}

#[test]
fn phases_are_words_and_long_lines_pass_boxes() {
    let rows: [Row<'_>; 4] = [
        ("a", "sql", &[], "Succeeded"),
        ("b", "sql", &["a"], "Failed"),
        ("c", "sql", &["b"], "Skipped"),
        ("d", "sql", &["a", "c"], "Skipped"),
    ];
    assert_eq!(
        text(&rows, 80),
        "
   ┌───────────┐
   │  a (sql)  │
   │ Succeeded │
   └─────┬─────┘
     ┌───┴───┐
     ▼       │
┌─────────┐  │
│ b (sql) │  │
│ Failed  │  │
└────┬────┘  │
     │       │
     ▼       │
┌─────────┐  │
│ c (sql) │  │
│ Skipped │  │
└────┬────┘  │
     │    ┌──┘
     ▼    ▼
    ┌─────────┐
    │ d (sql) │
    │ Skipped │
    └─────────┘
"
    );
}

#[test]
fn lines_of_two_steps_cross_and_never_join() {
    let rows: [Row<'_>; 4] = [
        ("a", "sql", &[], ""),
        ("b", "sql", &[], ""),
        ("c", "sql", &["a", "b"], ""),
        ("d", "sql", &["a", "b"], ""),
    ];
    assert_eq!(
        text(&rows, 80),
        "
┌─────────┐   ┌─────────┐
│ a (sql) │   │ b (sql) │
└────┬────┘   └────┬────┘
     ├───────────┐ │
     │ ┌─────────│─┤
     ▼ ▼         ▼ ▼
┌─────────┐   ┌─────────┐
│ c (sql) │   │ d (sql) │
└─────────┘   └─────────┘
"
    );
}

#[test]
fn a_cycle_is_listed_and_an_unknown_dependency_is_marked() {
    let rows: [Row<'_>; 3] =
        [("a", "sql", &["b", "a"], ""), ("b", "sql", &["a"], ""), ("c", "sql", &["b", "gone"], "")];
    assert_eq!(
        text(&rows, 80),
        "
1  a (sql) after b, a; gone !
2  b (sql) after a
3  c (sql) after b, gone

!  a dependency that is not a step of this workflow
a step waits for a step of its own or a later layer
"
    );
    let svg = shown(&rows, Form::Svg);
    assert!(svg.contains("<title>a (sql), after b, a</title>"), "{svg}");
}

#[test]
fn steps_of_one_id_stay_apart() {
    let rows: [Row<'_>; 3] =
        [("a", "sql", &[], ""), ("a", "csv", &[], ""), ("b", "sql", &["a"], "")];
    assert_eq!(
        text(&rows, 80),
        "
┌─────────┐   ┌─────────┐
│ a (sql) │   │ a (csv) │
└────┬────┘   └─────────┘
     │
     ▼
┌─────────┐
│ b (sql) │
└─────────┘
"
    );
    assert_eq!(
        shown(&rows, Form::Dot),
        r#"
digraph workflow {
  node [shape=box, style=rounded, fontname="monospace"];
  "a" [label="a\n(sql)"];
  "a #1" [label="a\n(csv)"];
  "b" [label="b\n(sql)"];
  "a" -> "b";
}
"#
    );
}

#[test]
fn the_word_finally_gives_way_to_lines() {
    let rows: [Row<'_>; 2] = [("a", "sql", &[], ""), ("end", "sql", &["a"], "finally")];
    assert_eq!(
        text(&rows, 80),
        "
  ┌─────────┐
  │ a (sql) │
  └────┬────┘
       │
╌╌╌╌╌╌╌│ finally ╌╌╌
       ▼
┌─────────────┐
│ end * (sql) │
└─────────────┘

*  runs after all other steps, whether they succeed or fail
"
    );
}

#[test]
fn an_svg_has_a_dot_where_lines_of_one_step_cross() {
    let all: &[&str] = &["a", "b", "c"];
    let rows: [Row<'_>; 6] = [
        ("a", "sql", &[], ""),
        ("b", "sql", &[], ""),
        ("c", "sql", &[], ""),
        ("d", "sql", all, ""),
        ("e", "sql", all, ""),
        ("f", "sql", all, ""),
    ];
    assert_eq!(shown(&rows, Form::Svg).matches("a3 3 0 1 0 6 0").count(), 1);
    let svg = shown(&FIVE, Form::Svg);
    assert!(!svg.contains("a3 3"), "{svg}");
}

#[test]
fn dot_and_mermaid_group_finally_steps_and_escape_labels() {
    let rows: [Row<'_>; 2] =
        [("a\"\\", "x\n<b>", &[], "Failed when"), ("end", "sql", &["a\"\\"], "finally")];
    assert_eq!(
        shown(&rows, Form::Dot),
        r##"
digraph workflow {
  node [shape=box, style=rounded, fontname="monospace"];
  "a\"\\" [label="a\"\\ ?\n(x\\n<b>)\nFailed", style="rounded,dashed", class="Failed", color="#e5534b"];
  subgraph cluster_finally {
    label="finally";
    style=dashed;
    "end" [label="end *\n(sql)"];
  }
  "a\"\\" -> "end";
}
"##
    );
    assert_eq!(
        shown(&rows, Form::Mermaid),
        r#"
flowchart TB
  s0["a#34;#92; ?<br/>(x#92;n#60;b#62;)<br/>Failed"]
  subgraph finally ["finally"]
    s1["end *<br/>(sql)"]
  end
  s0 --> s1
  classDef phaseFailed stroke:#e5534b,stroke-width:2px
  class s0 phaseFailed
  classDef dashed stroke-dasharray:4 3
  class s0 dashed
"#
    );
}

#[test]
fn five_steps_as_svg() {
    let svg = shown(&FIVE, Form::Svg);
    assert!(svg.contains("<title>publish (table_write), after clean, profile</title>"), "{svg}");
    assert!(!svg.contains("<script"), "{svg}");
    assert!(svg.len() < 5 * 1024, "{} bytes", svg.len());
}

/// Owned steps: the dependencies of each, whether it is conditional and whether it is a finally step.
type Owned = Vec<(Vec<String>, bool, bool)>;

/// Owned steps whose dependencies may be unknown, close cycles or run from finally steps to others.
fn any_steps(most: usize) -> impl Strategy<Value = Owned> {
    let step = (prop::collection::vec(0_usize..1_000, 0..4), proptest::bool::ANY, 0..8_u8);
    prop::collection::vec(step, 1..most).prop_map(move |drawn| {
        let among = drawn.len() + 1;
        let step = |(wishes, conditional, finally): (Vec<usize>, bool, u8)| {
            (names(&wishes, among), conditional, finally == 0)
        };
        drawn.into_iter().map(step).collect()
    })
}

/// Owned steps that wait for earlier ones, up to three finally steps last.
fn sound_steps(most: usize) -> impl Strategy<Value = Owned> {
    let step = (prop::collection::vec(0_usize..1_000, 0..4), proptest::bool::ANY);
    (prop::collection::vec(step, 1..most), 0_usize..4).prop_map(move |(drawn, last)| {
        let count = drawn.len();
        let step = |(at, (wishes, conditional)): (usize, (Vec<usize>, bool))| {
            (names(&wishes, at), conditional, at + last >= count)
        };
        drawn.into_iter().enumerate().map(step).collect()
    })
}

fn names(wishes: &[usize], among: usize) -> Vec<String> {
    let names = wishes.iter().filter_map(|wish| wish.checked_rem(among));
    let names: BTreeSet<String> = names.map(|at| format!("step_{at}")).collect();
    names.into_iter().collect()
}

fn with_steps<T>(rows: &Owned, then: impl FnOnce(&Drawing<'_>) -> T) -> T {
    let ids: Vec<String> = (0..rows.len()).map(|at| format!("step_{at}")).collect();
    let mut nodes = Vec::new();
    for ((dependencies, conditional, finally), id) in rows.iter().zip(&ids) {
        nodes.push(DrawnStep {
            id,
            operator: "sql",
            dependencies,
            finally: *finally,
            conditional: *conditional,
            phase: None,
        });
    }
    then(&Drawing { nodes })
}

/// Follows the characters of a text from the border of a box, as a reader does, and returns the arrows that are reached.
fn reached(grid: &[Vec<char>], start: (usize, usize)) -> BTreeSet<(usize, usize)> {
    let (up, down, left, right) = ((0, -1), (0, 1), (-1, 0), (1, 0));
    let exits = |character: char| match character {
        '│' => vec![up, down],
        '─' => vec![left, right],
        '┌' => vec![down, right],
        '┐' => vec![down, left],
        '└' => vec![up, right],
        '┘' => vec![up, left],
        '┬' => vec![down, left, right],
        '┴' => vec![up, left, right],
        '├' => vec![up, down, right],
        '┤' => vec![up, down, left],
        '┼' => vec![up, down, left, right],
        _ => vec![],
    };
    let mut arrows = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut todo = vec![(start, down)];
    while let Some((cell, way)) = todo.pop() {
        if !seen.insert((cell, way)) {
            continue;
        }
        let next = (cell.0.saturating_add_signed(way.0), cell.1.saturating_add_signed(way.1));
        let character = at(grid, next);
        if character == '▼' {
            arrows.insert(next);
        } else if character == '│' && way.0 != 0 {
            todo.push((next, way));
        } else if next != start {
            let back = (-way.0, -way.1);
            let ways = exits(character).into_iter().filter(|exit| *exit != back);
            todo.extend(ways.map(|exit| (next, exit)));
        }
    }
    arrows
}

fn at(grid: &[Vec<char>], (column, row): (usize, usize)) -> char {
    grid.get(row).and_then(|row| row.get(column)).copied().unwrap_or(' ')
}

/// Returns whether the border and the label of a box are whole; lines may leave its lower border.
fn is_whole(grid: &[Vec<char>], frame: &Frame) -> bool {
    let (right, bottom) = (frame.left + frame.width - 1, frame.top + frame.height - 1);
    let row = |row: usize| (frame.left..=right).map(|x| at(grid, (x, row))).collect::<String>();
    let line = "─".repeat(frame.width - 2);
    row(frame.top) == format!("┌{line}┐")
        && row(bottom).replace('┬', "─") == format!("└{line}┘")
        && frame.lines.iter().enumerate().all(|(at, line)| {
            let shown = row(frame.top + 1 + at);
            shown.trim_matches('│').trim() == line && shown.starts_with('│')
        })
}

/// Returns the dependencies that a reader sees in the boxes, if boxes can show them.
fn seen(drawing: &Drawing<'_>, shape: Shape) -> Option<BTreeSet<(usize, usize)>> {
    let steps = Steps::of(drawing);
    let layout = Layout::of(&steps, &Layers::of(&steps), shape);
    if !layout.is_clear {
        return None;
    }
    let text = super::text::boxes(&steps, &layout, 10_000);
    let grid: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    assert!(layout.divider.is_none() || text.contains(" finally "), "{text}");
    let mut found = BTreeSet::new();
    for (from, frame) in layout.boxes.iter().enumerate() {
        assert!(is_whole(&grid, frame), "{frame:?} in\n{text}");
        let bottom = frame.top + frame.height - 1;
        let starts = (frame.left..frame.left + frame.width).map(|column| (column, bottom));
        for start in starts.filter(|start| at(&grid, *start) == '┬') {
            for (column, row) in reached(&grid, start) {
                let is_below = |frame: &Frame| {
                    frame.top == row + 1 && (frame.left..frame.left + frame.width).contains(&column)
                };
                found.extend(layout.boxes.iter().position(is_below).map(|to| (from, to)));
            }
        }
    }
    Some(found)
}

/// Returns the steps of a list, each with what it waits for.
fn listed(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut layers: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty() && !line.starts_with("a step")) {
        match line.trim_start().split_once("  ") {
            Some((_, entries)) => layers.push(entries.to_owned()),
            None if line == "finally" => {}
            None => {
                let layer = layers.pop().unwrap_or_default();
                layers.push(format!("{layer} {}", line.trim_start()));
            }
        }
    }
    let mut found = BTreeMap::new();
    for entry in layers.iter().flat_map(|layer| layer.split("; ")) {
        let (names, after) = entry.split_once(" after ").unwrap_or((entry, ""));
        let after = after.split(", ").filter(|name| !name.is_empty()).map(str::to_owned);
        let after: BTreeSet<String> = after.collect();
        for name in names.split(", ") {
            let name = name.split(' ').next().unwrap_or_default().to_owned();
            assert!(found.insert(name, after.clone()).is_none(), "twice in {text}");
        }
    }
    found
}

fn edges(drawing: &Drawing<'_>) -> BTreeSet<(usize, usize)> {
    Steps::of(drawing).edges().collect()
}

fn quick() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(quick())]

    #[test]
    fn a_reader_sees_exactly_the_dependencies_in_boxes(rows in sound_steps(16)) {
        with_steps(&rows, |drawing| {
            for shape in [Shape::Wide, Shape::Narrow] {
                if let Some(seen) = seen(drawing, shape) {
                    prop_assert_eq!(seen, edges(drawing), "{}", draw(drawing, Form::Text, 1_000));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_list_has_exactly_the_steps_and_their_dependencies(rows in any_steps(40)) {
        with_steps(&rows, |drawing| {
            let steps = Steps::of(drawing);
            let text = super::ranks::list(&steps, &Layers::of(&steps), 60);
            let after = |step: &Step| step.dependencies.iter().map(|at| steps.0[*at].name.clone()).collect();
            let expected: BTreeMap<String, BTreeSet<String>> =
                steps.0.iter().map(|step| (step.name.clone(), after(step))).collect();
            prop_assert_eq!(listed(&text), expected, "{}", text);
            Ok(())
        })?;
    }

    #[test]
    fn text_keeps_to_its_width_and_has_every_step(rows in any_steps(16), width in 40_usize..120) {
        with_steps(&rows, |drawing| {
            let text = draw(drawing, Form::Text, width);
            prop_assert!(text.lines().all(|line| line.chars().count() <= width), "{}", text);
            for node in &drawing.nodes {
                prop_assert!(text.contains(&format!("{} ", node.id)), "{} in {}", node.id, text);
            }
            Ok(())
        })?;
    }

    #[test]
    fn other_forms_have_every_step_and_exactly_the_dependencies(rows in any_steps(40)) {
        with_steps(&rows, |drawing| {
            let shown = |form| draw(drawing, form, 80);
            let (dot, mermaid, svg) = (shown(Form::Dot), shown(Form::Mermaid), shown(Form::Svg));
            let edges = edges(drawing);
            prop_assert_eq!(dot.matches(" -> ").count(), edges.len());
            prop_assert_eq!(mermaid.matches(" --> ").count(), edges.len());
            for (from, to) in edges {
                let edge = format!("  \"step_{from}\" -> \"step_{to}\";\n");
                let is_known = from < drawing.nodes.len();
                prop_assert!(dot.contains(&edge) || !is_known, "{} in {}", edge, dot);
                let edge = format!("  s{from} --> s{to}\n");
                prop_assert!(mermaid.contains(&edge), "{} in {}", edge, mermaid);
            }
            for node in &drawing.nodes {
                prop_assert!(dot.contains(&format!("  \"{}\" [", node.id)), "{}", dot);
                prop_assert!(mermaid.contains(&format!("[\"{}", node.id)), "{}", mermaid);
                let after = node.dependencies.join(", ");
                let end = if after.is_empty() { after } else { format!(", after {after}") };
                let marks = [(node.conditional, ", conditional"), (node.finally, ", finally")];
                let marks = marks.iter().filter(|(occurs, _)| *occurs).map(|(_, words)| *words);
                let marks: String = marks.collect();
                let title = format!("<title>{} (sql){marks}{end}</title>", node.id);
                prop_assert!(svg.contains(&title), "{} in {}", title, svg);
            }
            prop_assert_eq!(svg, shown(Form::Svg));
            Ok(())
        })?;
    }
}
