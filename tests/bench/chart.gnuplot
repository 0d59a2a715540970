# Draws `chart` from `panels`, where growth.py says what is measured: name, data file and number of lines, told apart
# by bars; panels by commas.

set terminal svg size 1080,400 font "sans-serif,12" background rgb "white"
set output chart
set multiplot layout 1,3
set logscale xy
set autoscale xfix
set format x "10^{%L}"
set grid ytics linecolor rgb "#dddddd"
set border 3 linecolor rgb "#888888"
set tics nomirror textcolor rgb "#444444"
set key below center maxcols 2 reverse Left samplen 2 noenhanced font ",10"
set ylabel "milliseconds"

set linetype 1 linecolor rgb "#2166ac" linewidth 2 pointtype 7 pointsize 0.6
set linetype 2 linecolor rgb "#b2182b" linewidth 2 pointtype 5 pointsize 0.6
set linetype 3 linecolor rgb "#4d9221" linewidth 2 pointtype 9 pointsize 0.7
set linetype 4 linecolor rgb "#762a83" linewidth 2 pointtype 11 pointsize 0.7
set linetype 5 linecolor rgb "#bf812d" linewidth 2 pointtype 13 pointsize 0.7

field(text, n) = system("printf '%s' '" . text . "' | cut -d '|' -f " . n)
rest = panels
while (strlen(rest)) {
    comma = strstrt(rest . ",", ",")
    panel = rest[1:comma - 1]
    rest = rest[comma + 1:]
    set xlabel field(panel, 1) offset 0,0.4
    data = field(panel, 2)
    plot [][0.1:*] for [i = 0:field(panel, 3) - 1] data index i using 1:2 with linespoints linetype i + 1 title columnheader(1)
}
unset multiplot
