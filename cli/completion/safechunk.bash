# bash completion for safechunk
_safechunk() {
    local commands="put get set unset merge patch update edit watch append tail logs rotate compact list remove health verify repair quarantine checkpoint checkpoints export restore unlock projects delete-project adopt"
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local base=. command="" group="" project="" word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            -C|--base-dir) base=${COMP_WORDS[++i]} ;;
            --mode|--wait|--if-revision|--dialect|--since|--count|--timeout|-n|--keep-last) ((++i)) ;;
            --) break ;;
            --label|--notes|--retention|--delete) ((++i)) ;;
            -*) ;;
            quarantine) if [ -z "$command" ]; then group=$word; elif [ -z "$project" ]; then project=$word; fi ;;
            *) if [ -z "$command" ]; then command=$word; elif [ -z "$project" ]; then project=$word; fi ;;
        esac
    done
    case $previous in
        -C|--base-dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --dialect) mapfile -t COMPREPLY < <(compgen -W "json jsonc" -- "$current"); return ;;
    esac
    if [[ $current == -* ]]; then
        local options="-C --base-dir --mode --weak-locks --weak-folders --wait --json --help --version"
        case $command in
            put|set|unset|merge|patch|remove) options="$options --if-revision --if-absent" ;;
        esac
        case $command in
            get|set|unset|merge|patch) [ -f "$project" ] && options="$options --dialect" ;;
        esac
        case $command in
            set|unset|merge|patch) [ -f "$project" ] && options="$options --no-backup --create" ;;
        esac
        [ "$command" = watch ] && options="$options --every --since --count --timeout"
        [ "$command" = append ] && options="$options --one --string"
        [ "$command" = tail ] && options="$options -n --count -f --follow"
        [ "$command" = compact ] && options="$options --keep-last"
        [ "$command" = set ] && options="$options --string"
        [ "$command" = checkpoint ] && options="$options --label --notes --retention --keep"
        [ "$command" = export ] && options="$options --label --notes"
        [ "$command" = checkpoints ] && options="$options --delete"
        [ "$command" = unlock ] && options="$options --force"
        [ "$command" = delete-project ] && options="$options --yes"
        [ "$command" = adopt ] && options="$options --release --force"
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [ -z "$command" ]; then
        [ -n "$group" ] && commands="list show clear"
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    elif [ "$command" = projects ]; then
        return
    elif [ -z "$project" ]; then
        local folder
        case $command in
            *) mapfile -t COMPREPLY < <(compgen -f -X '!*.json*' -- "$current") ;;
        esac
        [[ $current == */* && ${#COMPREPLY[@]} -gt 0 ]] && return
        [[ $current == */* ]] && { mapfile -t COMPREPLY < <(compgen -d -- "$current"); return; }
        for folder in "$base"/*/chunks; do
            [ -d "$folder" ] || continue
            folder=${folder%/chunks}
            folder=${folder##*/}
            [[ $folder == "$current"* ]] && COMPREPLY+=("$folder")
        done
    else
        local names=""
        case $command in
            show|clear) names=$(cd "$base/$project/quarantine" 2>/dev/null && printf '%s\n' *) ;;
            put|get|set|unset|merge|patch|update|edit|watch|remove) names=$(safechunk -C "$base" list "$project" 2>/dev/null) ;;
            append|tail|rotate|compact) names=$(safechunk -C "$base" logs "$project" 2>/dev/null | sed 's/  [0-9]* bytes\{0,1\}$//') ;;
            restore|verify)
                [[ $current == */* ]] && { mapfile -t COMPREPLY < <(compgen -f -- "$current"); return; }
                names=$(cd "$base/$project/checkpoints" 2>/dev/null && printf '%s\n' checkpoint_*.zip) ;;
            export) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        esac
        local IFS=$'\n'
        mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
    fi
}
complete -F _safechunk safechunk
