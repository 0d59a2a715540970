# The style of `chart`. growth.py measures, and writes the panels' own commands, which follow this file.

set terminal svg size 1080,900 font "sans-serif,12" background rgb "white"
set output chart
set multiplot layout 2,2 margins 0.07,0.97,0.18,0.95 spacing 0.1,0.27
set logscale x
set format x "10^{%L}"
set autoscale xfix
set grid ytics linecolor rgb "#dddddd"
set border 3 linecolor rgb "#888888"
set tics nomirror textcolor rgb "#444444"
set key at graph 0,-0.27 left top maxcols 1 reverse Left samplen 2 noenhanced font ",11"

# One colour for each program and way, the same in all panels.
set linetype 1 linecolor rgb "#08519c" linewidth 2 pointtype 7 pointsize 0.6 # ordercache, from the cache
set linetype 2 linecolor rgb "#6baed6" linewidth 2 pointtype 5 pointsize 0.6 # ordercache, with PostgreSQL
set linetype 3 linecolor rgb "#4d9221" linewidth 2 pointtype 9 pointsize 0.7 # psql
set linetype 4 linecolor rgb "#b2182b" linewidth 2 pointtype 11 pointsize 0.7 # redis-cli
set linetype 5 linecolor rgb "#e08214" linewidth 2 pointtype 13 pointsize 0.7 # plain cache-aside
