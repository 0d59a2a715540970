# bash completion for ordercache

# Prints the command that stands before the cursor, if any. It may have the name of a file, too.
_ordercache_command() {
    local word is_value=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
        if [[ $is_value && $word != = ]]; then
            is_value=
            continue
        fi
        case $word in
            = | --customer | --customers-from | --date | --net | --tax | --from | --timeout) is_value=yes ;;
            count | add | invalidate | ttl | help)
                printf '%s' "$word"
                return
                ;;
        esac
    done
}

# The options that a command still takes: those of it that are not on the line.
_ordercache_options() {
    local option options=(--json -v --verbose -q --quiet --timeout -h --help -V --version)
    case $1 in
        count) options+=(--customer --customers-from --refresh --no-cache) ;;
        add) options+=(--date --customer --net --tax --from --no-cache --dry-run) ;;
        invalidate) options+=(--customer --stale --dry-run --follow --follow-sql) ;;
        ttl) options+=(--customer) ;;
    esac
    for option in "${options[@]}"; do
        if [[ " ${COMP_WORDS[*]:0:COMP_CWORD} " != *" $option "* || $1$option == count--customer ]]; then
            printf '%s\n' "$option"
        fi
    done
}

_ordercache() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} equals=
    if [[ $current == = ]]; then # bash takes the = of --date= for a word of its own.
        current='' equals='='
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]} equals='='
    fi

    COMPREPLY=()
    case $previous in
        --date)
            mapfile -t COMPREPLY < <(compgen -W "$(date +%F)" -- "$current")
            return
            ;;
        --from | --customers-from)
            compopt -o default # An empty reply has readline offer files, and quote them.
            return
            ;;
        --customer | --net | --tax | --timeout) return ;;
        --follow-sql)
            if [[ $equals ]]; then
                mapfile -t COMPREPLY < <(compgen -W remove -- "$current")
                return
            fi
            ;;
    esac

    local command
    command=$(_ordercache_command)
    if [[ $current == -* || ($command && $command != help) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_ordercache_options "$command")" -- "$current")
    else
        local commands='count add invalidate ttl'
        [[ $command == help ]] || commands+=' help'
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    fi
}

complete -F _ordercache ordercache
