/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One file that needs nothing else: no script, no picture to fetch, no font.
 * The three chart colours differ in lightness, so they stay apart in grey.
 */
#include "report/doc.h"
#include "report/escape.h"
#include "report/svg.h"

static const char style[] =
    ":root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#57606a;"
    "--rule:#d0d7de;--track:#eef1f4;--a:#17406d;--b:#cf7f17;--c:#b7c9dd}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#e6e9ec;"
    "--soft:#9aa5b1;--rule:#39424c;--track:#232a32;--a:#cfe3fa;--b:#d0801c;"
    "--c:#4a6180}}\n"
    "@media print{:root{--page:#fff;--ink:#000;--soft:#333;--rule:#999;"
    "--track:#eee;--a:#17406d;--b:#cf7f17;--c:#b7c9dd}"
    "section{break-inside:avoid-page}figure,tr{break-inside:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;padding:16px;max-width:60rem;background:var(--page);"
    "color:var(--ink);font:16px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;"
    "border-bottom:1px solid "
    "var(--rule)}p{max-width:44rem;overflow-wrap:anywhere}\n"
    "figure{margin:1rem 0;max-width:34rem}svg{display:block;width:100%;height:auto}"
    "svg text{font:11px system-ui,sans-serif;fill:var(--ink)}"
    "figcaption{color:var(--soft);font-size:.85rem}\n"
    ".a{fill:var(--a)}.b{fill:var(--b)}.c{fill:var(--c)}.track{fill:var(--track)}"
    ".grid{stroke:var(--rule)}.mark{stroke:var(--b);stroke-width:2;"
    "stroke-dasharray:4 3}.line{fill:none;stroke:var(--a);stroke-width:2}\n"
    ".wide{overflow-x:auto;max-width:100%}table{border-collapse:collapse;"
    "font-size:.85rem}caption{text-align:left;color:var(--soft)}"
    "th,td{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0;"
    "border-bottom:1px solid var(--rule)}"
    "th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}td{overflow-wrap:break-word;max-width:20rem}"
    "td.t{white-space:nowrap}"
    "@media print{.wide{overflow:visible}td{overflow-wrap:anywhere}}\n"
    "dl{display:grid;grid-template-columns:minmax(0,auto) minmax(0,1fr);"
    "gap:.1rem 1rem}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n";

static const char *
class_of(const struct section *section, const struct doc_cell *cell, size_t column)
{
	if (cell->kind == CELL_TIME)
		return " class=\"t\"";
	return section_is_right(section, column) ? " class=\"n\"" : "";
}

static void
write_table(const struct section *section, FILE *file)
{
	char buf[CELL_TEXT_SIZE];

	fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"",
	    file);
	escape_html(file, section->title);
	fputs("\"><table><thead><tr>", file);
	for (size_t i = 0; i < section->columns_count; i++) {
		bool right = section_is_right(section, i);
		fprintf(file, "<th scope=\"col\"%s>", right ? " class=\"n\"" : "");
		escape_html(file, section->columns[i].title);
		fputs("</th>", file);
	}
	fputs("</tr></thead><tbody>\n", file);
	for (size_t row = 0; row < section->rows_count; row++) {
		fputs("<tr>", file);
		for (size_t i = 0; i < section->columns_count; i++) {
			const struct doc_cell *cell = section_cell(section, row, i);
			fprintf(file, "<td%s>", class_of(section, cell, i));
			escape_html(file, cell_for_people(cell, buf));
			fputs("</td>", file);
		}
		fputs("</tr>\n", file);
	}
	fputs("</tbody></table></div>\n", file);
	if (section->rows_count == 0)
		fputs("<p>(nothing)</p>\n", file);
}

static void
write_facts(const struct section *section, FILE *file)
{
	char buf[CELL_TEXT_SIZE];

	if (section->facts_count == 0)
		return;
	fputs("<dl>", file);
	for (size_t i = 0; i < section->facts_count; i++) {
		fputs("<dt>", file);
		escape_html(file, section->facts[i].title);
		fputs("</dt><dd>", file);
		escape_html(file, cell_for_people(&section->facts[i].cell, buf));
		fputs("</dd>\n", file);
	}
	fputs("</dl>\n", file);
}

static void
write_section(const struct section *section, unsigned number, FILE *file)
{
	fputs("<section id=\"", file);
	escape_html(file, section->key);
	fputs("\"><h2>", file);
	escape_html(file, section->title);
	fputs("</h2>\n", file);
	for (size_t i = 0; i < section->says_count; i++) {
		fputs("<p>", file);
		escape_html(file, section->says[i]);
		fputs("</p>\n", file);
	}
	write_facts(section, file);
	if (section->has_chart && section->rows_count > 0)
		svg_write(section, number, file);
	if (section->has_table)
		write_table(section, file);
	fputs("</section>\n", file);
}

void
doc_write_html(const struct doc *doc, FILE *file)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\">"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	      "<title>",
	    file);
	escape_html(file, doc->title);
	fprintf(file, "</title><style>\n%s</style></head><body><main><h1>", style);
	escape_html(file, doc->title);
	fputs("</h1>\n", file);
	for (size_t i = 0; i < doc->sections_count; i++)
		write_section(&doc->sections[i], (unsigned)i + 1, file);
	fputs("</main></body></html>\n", file);
}
