#pragma once

namespace kith {

/// The report's style sheet: one set of names, two sets of colours.
inline constexpr const char* kReportStyle = R"css(
:root{color-scheme:light dark;--page:#f6f6f4;--card:#fff;--ink:#1c1c1a;--soft:#66655f;--line:#e4e3de;
--c0:#2a78d6;--c1:#eb6834;--c2:#1baf7a;--c3:#8a8984;--c4:#4a3aa7;--c5:#e34948;--c6:#e87ba4;--c7:#eda100}
@media(prefers-color-scheme:dark){:root{--page:#141413;--card:#1e1e1c;--ink:#efeee9;--soft:#a3a199;--line:#34332f;
--c0:#3987e5;--c1:#d95926;--c2:#199e70;--c3:#8f8d86;--c4:#9085e9;--c5:#e66767;--c6:#d55181;--c7:#c98500}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1180px;padding:24px 20px 48px;background:var(--page);color:var(--ink);
font:14px/1.45 system-ui,sans-serif}
h1{font-size:22px;margin:0}h2{font-size:14px;margin:0 0 10px}h3{font-size:12px;margin:14px 0 4px;color:var(--soft)}
p.verdict{color:var(--ink);margin:6px 0 16px;font-size:15px}.none{color:var(--soft)}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin-bottom:16px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px;color:var(--soft);
font-size:12px;flex:1 1 130px}
.tile b{display:block;font-size:20px;font-weight:600;color:var(--ink)}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:14px;margin-bottom:14px}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;min-width:0;overflow-x:auto}
svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:11px}
.grid{stroke:var(--line)}.mark{stroke:var(--soft);stroke-dasharray:3 3}
polyline{fill:none;stroke-width:2;stroke-linejoin:round}circle{fill:transparent}
.map .on{fill:#fff}.map .ink{fill:var(--ink)}p{margin:6px 0;font-size:12px;color:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:12px;color:var(--soft);margin-top:6px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.legend .dash{width:0;height:12px;border-radius:0;border-left:1px dashed var(--soft);vertical-align:-2px}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3);stroke-dasharray:4 3}
.f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}
.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}
.b0{background:var(--c0)}.b1{background:var(--c1)}.b2{background:var(--c2)}.b3{background:var(--c3)}
.b4{background:var(--c4)}.b5{background:var(--c5)}.b6{background:var(--c6)}.b7{background:var(--c7)}
table{border-collapse:collapse;font-size:12px;margin-bottom:10px;font-variant-numeric:tabular-nums}
td,th{padding:4px 10px;text-align:right;font-weight:400}td:first-child,th{color:var(--soft)}
.heat td{color:var(--ink);background:color-mix(in srgb,var(--c0) var(--share),var(--card));border:1px solid var(--card)}
.heat td:empty{background:none}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:2px 24px;margin:0;font-size:12px}
dl div{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--line);padding:3px 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;text-align:right}
)css";

}  // namespace kith
