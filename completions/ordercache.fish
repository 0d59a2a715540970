# fish completion for ordercache

# Succeeds if there is no command on the line yet.
function __ordercache_wants_command
    not __fish_seen_subcommand_from count add invalidate ttl help
end

complete -c ordercache -f

complete -c ordercache -n __ordercache_wants_command -a count -d 'Print the number of orders, in all or of customers'
complete -c ordercache -n __ordercache_wants_command -a add -d 'Add an order, or a CSV file of orders'
complete -c ordercache -n __ordercache_wants_command -a invalidate -d 'Drop cached counts'
complete -c ordercache -n __ordercache_wants_command -a ttl -d 'Print how long a cached count has left to live'
complete -c ordercache -n __ordercache_wants_command -a help -d 'Show the help of a command'
complete -c ordercache -n '__fish_seen_subcommand_from help' -a 'count add invalidate ttl' -d Command

complete -c ordercache -l json -d 'Print the answer as JSON'
complete -c ordercache -s v -l verbose -d 'Tell on stderr what the cache does'
complete -c ordercache -s q -l quiet -d 'Print no warnings'
complete -c ordercache -l timeout -x -d 'Seconds to give up after, 0 for never'
complete -c ordercache -s h -l help -d 'Show help'
complete -c ordercache -s V -l version -d 'Print the version'

complete -c ordercache -n '__fish_seen_subcommand_from count' -l customer -x -d 'Count the orders of this customer'
complete -c ordercache -n '__fish_seen_subcommand_from count' -l customers-from -rF -d 'Count the orders of each customer in a file'
complete -c ordercache -n '__fish_seen_subcommand_from count' -l refresh -d 'Count again, and cache the result'
complete -c ordercache -n '__fish_seen_subcommand_from add' -l date -x -a '(date +%F)' -d 'The day of the order'
complete -c ordercache -n '__fish_seen_subcommand_from add' -l customer -x -d 'The number of the customer'
complete -c ordercache -n '__fish_seen_subcommand_from add' -l net -x -d 'The net amount'
complete -c ordercache -n '__fish_seen_subcommand_from add' -l tax -x -d 'The tax'
complete -c ordercache -n '__fish_seen_subcommand_from add' -l from -rF -d 'Add the orders of a CSV file'
complete -c ordercache -n '__fish_seen_subcommand_from count add' -l no-cache -d 'Do not use the cache'
complete -c ordercache -n '__fish_seen_subcommand_from add invalidate' -l dry-run -d 'Check and report, change nothing'
complete -c ordercache -n '__fish_seen_subcommand_from invalidate' -l stale -d 'Drop only wrong counts'
complete -c ordercache -n '__fish_seen_subcommand_from invalidate' -l follow -d 'Keep the cache true to what other programs write'
complete -c ordercache -n '__fish_seen_subcommand_from invalidate' -l follow-sql -a 'remove\t"Undo that"' -d 'Print the SQL that --follow needs'
complete -c ordercache -n '__fish_seen_subcommand_from invalidate ttl' -l customer -x -d 'Only the count of this customer'
