//! One page, with everything in it: it can be mailed and opened without a network.

use std::fmt::Write as _;

use super::against::{Change, Comparison, Verdict};
use super::{Case, Report, plot, short};

/// The page of a report; with what changed since an earlier one, if that is given.
#[must_use]
pub fn page(report: &Report, comparison: Option<&Comparison>) -> String {
    let title = format!("earthshine bench {}", escape(&report.bench));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<p class=\"about\">{}<br>{} {}</p>\n",
        escape(&report.machine.to_string()),
        escape(&format!("earthshine {},", report.version)),
        escape(&report.arguments.join(" ")),
    );
    // Writing to a String cannot fail.
    for remark in &report.remarks {
        let _ = writeln!(page, "<p>Note: {}.</p>", escape(remark));
    }
    if let Some(comparison) = comparison {
        let _ = write!(page, "<h2>Against the earlier run</h2>\n{}", changes(comparison));
    }
    for case in &report.cases {
        let _ = write!(page, "<section>\n<h2>{}</h2>\n{}</section>\n", escape(&case.name), body(case));
    }
    page.push_str("</html>\n");
    page
}

fn body(case: &Case) -> String {
    let mut text = String::new();
    if !case.problem.is_empty() {
        let _ = writeln!(text, "<p class=\"worse\">{}</p>", escape(&case.problem));
    }
    text.push_str("<div class=\"plots\">\n");
    for plot in &case.plots {
        if let Some(svg) = plot::svg(plot) {
            let _ = writeln!(text, "<figure><figcaption>{}</figcaption>\n{svg}</figure>", escape(&plot.title));
        }
    }
    text.push_str("</div>\n");
    if !case.figures.is_empty() {
        text.push_str(&table(case));
    }
    text
}

fn table(case: &Case) -> String {
    // One round has no range.
    let has_rounds = case.figures.iter().any(|figure| figure.rounds.len() > 1);
    let head = if has_rounds { "<th>median<th>least<th>most<th>" } else { "<th><th>" };
    let mut text = format!("<div class=\"table\"><table>\n<tr><th>{head}\n");
    for figure in &case.figures {
        let (least, most) = figure.range();
        let values = [figure.median(), least, most].map(short);
        let _ = write!(text, "<tr><td>{}", escape(&figure.name));
        for value in &values[..if has_rounds { 3 } else { 1 }] {
            let _ = write!(text, "<td class=\"number\">{value}");
        }
        let _ = writeln!(text, "<td>{}", escape(&figure.unit));
    }
    text.push_str("</table></div>\n");
    text
}

fn changes(comparison: &Comparison) -> String {
    let mut text = String::new();
    for remark in &comparison.remarks {
        let _ = writeln!(text, "<p>Note: {}.</p>", escape(remark));
    }
    let (changed, rest): (Vec<_>, Vec<_>) =
        comparison.changes.iter().partition(|change| matches!(change.verdict, Verdict::Better | Verdict::Worse));
    if !changed.is_empty() {
        text.push_str(&change_table(&changed));
    }
    if !rest.is_empty() {
        let (count, table) = (rest.len(), change_table(&rest));
        let _ =
            write!(text, "<details><summary>{count} figures without a change to tell</summary>\n{table}</details>\n");
    }
    for name in &comparison.unmatched {
        let _ = writeln!(text, "<p>{}</p>", escape(name));
    }
    text
}

fn change_table(changes: &[&Change]) -> String {
    let mut text = "<div class=\"table\"><table>\n<tr><th><th>before<th>now<th><th>\n".to_owned();
    for change in changes {
        let class = match change.verdict {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            _ => "",
        };
        let _ = writeln!(
            text,
            "<tr class=\"{class}\"><td>{}<td class=\"number\">{}<td class=\"number\">{}<td>{}<td>{}",
            escape(&change.name),
            short(change.medians.0),
            short(change.medians.1),
            escape(&change.unit),
            change.verdict.name()
        );
    }
    text.push_str("</table></div>\n");
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "\
body{font:15px/1.45 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:0 auto;max-width:84rem;padding:1rem}\
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.6rem 0 .5rem}.about{color:#555;margin:.2rem 0}\
.table{overflow-x:auto}table{border-collapse:collapse}th,td{text-align:left;padding:.15rem .8rem .15rem 0}\
th{color:#555;font-weight:600}summary{color:#555;cursor:pointer}tr+tr td{border-top:1px solid #e4e4e4}.number{text-align:right;font-variant-numeric:tabular-nums}\
.plots{display:grid;gap:1rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr))}\
figure{margin:0}figcaption{color:#555}svg{display:block;width:100%;height:auto}.better{color:#006d48}.worse{color:#b03a00}\
@media(max-width:36rem){body{font-size:13px;padding:.7rem}th,td{padding-right:.5rem}.about{overflow-wrap:anywhere}}";

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    #[test]
    fn the_page_has_every_case_and_needs_nothing_else() {
        let mut report = report(&[1.0, 2.0, 3.0]);
        report.cases[0].name = "<script>".to_owned();
        report.cases[0].problem = "one & only".to_owned();
        let comparison = Comparison::of(&report, &report);
        let page = page(&report, Some(&comparison));
        for part in ["&lt;script&gt;", "one &amp; only", "a &lt; b", "encoded, p50", "Against the earlier run"] {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 2);
        for outside in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
