# fish completion for ordercache

# Prints the command that stands before the cursor; fails if there is none yet. An option's value is not a command.
function __ordercache_command
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
        else if contains -- $word --customer --customers-from --date --net --tax --from --timeout
            set is_value yes
        else if contains -- $word count add invalidate ttl help
            echo $word
            return
        end
    end
    return 1
end

# Succeeds if that is one of the given commands.
function __ordercache_runs
    set -l command (__ordercache_command)
    and contains -- $command $argv
end

complete -c ordercache -f

complete -c ordercache -n 'not __ordercache_command' -a count -d 'Print the number of orders, in all or of customers'
complete -c ordercache -n 'not __ordercache_command' -a add -d 'Add an order, or a CSV file of orders'
complete -c ordercache -n 'not __ordercache_command' -a invalidate -d 'Drop cached counts'
complete -c ordercache -n 'not __ordercache_command' -a ttl -d 'Print how long a cached count has left to live'
complete -c ordercache -n 'not __ordercache_command' -a help -d 'Show the help of a command'
complete -c ordercache -n '__ordercache_runs help' -a 'count add invalidate ttl' -d Command

complete -c ordercache -l json -d 'Print the answer as JSON'
complete -c ordercache -s v -l verbose -d 'Tell on stderr what the cache does'
complete -c ordercache -s q -l quiet -d 'Print no warnings'
complete -c ordercache -l timeout -x -d 'Seconds to give up after, 0 for never'
complete -c ordercache -s h -l help -d 'Show help'
complete -c ordercache -s V -l version -d 'Print the version'

complete -c ordercache -n '__ordercache_runs count' -l customer -x -d 'Count the orders of this customer'
complete -c ordercache -n '__ordercache_runs count' -l customers-from -rF -d 'Count the orders of each customer in a file'
complete -c ordercache -n '__ordercache_runs count' -l refresh -d 'Ask PostgreSQL again, and cache the result'
complete -c ordercache -n '__ordercache_runs add' -l date -x -a '(date +%F)' -d 'The day of the order'
complete -c ordercache -n '__ordercache_runs add' -l customer -x -d 'The id of the customer'
complete -c ordercache -n '__ordercache_runs add' -l net -x -d 'The net amount'
complete -c ordercache -n '__ordercache_runs add' -l tax -x -d 'The tax'
complete -c ordercache -n '__ordercache_runs add' -l from -rF -d 'Add the orders of a CSV file'
complete -c ordercache -n '__ordercache_runs count add' -l no-cache -d 'Do not use the cache'
complete -c ordercache -n '__ordercache_runs add invalidate' -l dry-run -d 'Check and report, change nothing'
complete -c ordercache -n '__ordercache_runs invalidate' -l stale -d 'Drop only wrong counts'
complete -c ordercache -n '__ordercache_runs invalidate' -l follow -d 'Keep the cache true to what other programs write'
complete -c ordercache -n '__ordercache_runs invalidate' -l follow-sql -a 'remove\t"Undo that"' -d 'Print the SQL that --follow needs'
complete -c ordercache -n '__ordercache_runs invalidate ttl' -l customer -x -d 'Only the count of this customer'
