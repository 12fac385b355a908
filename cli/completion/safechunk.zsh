#compdef safechunk
# zsh completion for safechunk

_safechunk_projects() {
    local base=${opt_args[-C]:-${opt_args[--base-dir]:-.}}
    local -a projects
    projects=(${base}/*/chunks(N:h:t))
    compadd -a projects
}

_safechunk_places() {
    _alternative 'projects:project:_safechunk_projects' 'files:file:_files -g "*.json*"'
}

_safechunk_chunks() {
    local base=${opt_args[-C]:-${opt_args[--base-dir]:-.}}
    local -a chunks
    chunks=(${(f)"$(safechunk -C $base list $words[2] 2>/dev/null)"})
    compadd -a chunks
}

_safechunk_logs() {
    local base=${opt_args[-C]:-${opt_args[--base-dir]:-.}}
    local -a logs
    logs=(${${(f)"$(safechunk -C $base logs $words[2] 2>/dev/null)"}%%  [0-9]*})
    compadd -a logs
}

_safechunk_checkpoints() {
    local base=${opt_args[-C]:-${opt_args[--base-dir]:-.}}
    local -a archives
    archives=(${base}/$words[2]/checkpoints/checkpoint_*.zip(N:t))
    compadd -a archives
}

_safechunk() {
    local -a commands
    commands=(
        'put:save a JSON document as a chunk, durably'
        'get:print a chunk or one value'
        'set:set one value'
        'unset:remove one value'
        'merge:apply a JSON Merge Patch'
        'patch:apply a JSON Patch'
        'update:replace a text by what a command makes of it'
        'edit:edit a chunk or one value in your editor'
        'watch:print a line for each change'
        'append:append records to a log, durably'
        'tail:print the last records of a log'
        'logs:print the names and sizes of all logs'
        'rotate:end the file of a log'
        'compact:remove the old records of a log'
        'list:print the names of all chunks'
        'remove:remove a chunk and its backup'
        'health:print the state of the folder'
        'verify:read and judge every file'
        'repair:recover the journal and heal'
        'quarantine:list, show or clear what was kept'
        'checkpoint:archive all chunks'
        'checkpoints:print all checkpoints'
        'export:archive all chunks in a file somewhere else'
        'restore:restore a checkpoint or an archive'
        'unlock:remove a dead lock file'
        'projects:print the names of all projects'
        'delete-project:delete a project for ever'
        'adopt:protect JSON files where they are'
    )
    local -a condition
    condition=('--if-revision[only when the chunk has this revision]:revision:'
        '--if-absent[only when there is no such chunk]')
    local state line
    typeset -A opt_args
    _arguments -C \
        '(-C --base-dir)'{-C,--base-dir}'[the folder that holds the project]:folder:_files -/' \
        '--mode[what files that are made allow at most]:mode:(600 640 660)' \
        '--weak-locks[do without locks where there are none]' \
        '--weak-folders[do without syncing folders where there is no such thing]' \
        '--wait[seconds to wait for another owner]:seconds:' \
        '--json[print results and errors as JSON]' \
        '(- *)'{-h,--help}'[print help]' \
        '(- *)--version[print the version]' \
        '1:command:->command' '*::argument:->argument'
    case $state in
        command) _describe command commands ;;
        argument)
            if [[ -f $words[2] && $words[1] == (set|unset|merge|patch|get) ]]; then
                local -a of_file
                of_file=('--dialect[how the file is read]:dialect:(json jsonc)')
                [[ $words[1] != get ]] && of_file+=('--no-backup[do not keep the version before]'
                    '--if-revision[only when the file has this revision]:revision:')
                [[ $words[1] == (set|merge) ]] && of_file+=('--create[make a missing file]')
                [[ $words[1] == set ]] && of_file+=('--string[take the value as a string]')
                _arguments $of_file '1:file:_files' '2:pointer or patch:_files' '3:value:'
                return
            fi
            case $words[1] in
                put) _arguments $condition '1:project:_safechunk_projects' '2:chunk:_safechunk_chunks' \
                    '3:file:_files' ;;
                merge|patch) _arguments $condition '1:project or file:_safechunk_places' '2:chunk:_safechunk_chunks' \
                    '3:file:_files' ;;
                set) _arguments $condition '--string[take the value as a string]' \
                    '1:project or file:_safechunk_places' '2:chunk:_safechunk_chunks' '3:pointer:' '4:value:' ;;
                unset) _arguments $condition '1:project or file:_safechunk_places' '2:chunk:_safechunk_chunks' '3:pointer:' ;;
                get) _arguments '1:project or file:_safechunk_places' '2:chunk:_safechunk_chunks' '3:pointer:' ;;
                edit) _arguments '1:project:_safechunk_projects' '2:chunk:_safechunk_chunks' '3:pointer:' ;;
                watch) _arguments '--every[each commit]' '--since[behind this change]:number:' \
                    '--count[end after so many lines]:number:' '--timeout[end after so long]:seconds:' \
                    '1:project:_safechunk_projects' '2:chunk:_safechunk_chunks' ;;
                append) _arguments '--one[the whole input is one record]' '--string[take the value as a string]' \
                    '1:project:_safechunk_projects' '2:log:_safechunk_logs' '3:value:' ;;
                tail) _arguments '(-n --count)'{-n,--count}'[how many records]:number:' \
                    '(-f --follow)'{-f,--follow}'[go on with records that come]' \
                    '1:project:_safechunk_projects' '2:log:_safechunk_logs' ;;
                rotate) _arguments '1:project:_safechunk_projects' '2:log:_safechunk_logs' ;;
                compact) _arguments '--keep-last[how many records stay]:number:' \
                    '1:project:_safechunk_projects' '2:log:_safechunk_logs' ;;
                update) _arguments '1:project:_safechunk_projects' '2:chunk:_safechunk_chunks' '*::command:_normal' ;;
                remove) _arguments $condition '1:project:_safechunk_projects' '2:chunk:_safechunk_chunks' ;;
                restore|verify) _arguments '1:project:_safechunk_projects' \
                    '2:checkpoint:_alternative "checkpoints\:checkpoint\:_safechunk_checkpoints" "files\:archive\:_files"' ;;
                export) _arguments '1:project:_safechunk_projects' '2:file:_files' \
                    '--label[any text]:label:' '--notes[free text]:notes:' ;;
                checkpoint) _arguments '1:project:_safechunk_projects' \
                    '--label[any text]:label:' '--notes[free text]:notes:' \
                    '--retention[how many to keep]:number:' '--keep[pin it]' ;;
                checkpoints) _arguments '1:project:_safechunk_projects' \
                    '--delete[delete this one]:checkpoint:_safechunk_checkpoints' ;;
                quarantine) _arguments '1:command:(list show clear)' '2:project:_safechunk_projects' '*:file:' ;;
                unlock) _arguments '1:project:_safechunk_projects' '--force[remove a live legacy lock]' ;;
                projects) _arguments ;;
                delete-project) _arguments '1:project:_safechunk_projects' '--yes[delete without asking]' ;;
                adopt) _arguments '1:folder or file:_files' '--release[remove what the engine has put beside the files]' '--force[also checkpoints and files in quarantine]' ;;
                *) _arguments '1:project:_safechunk_projects' ;;
            esac ;;
    esac
}

_safechunk "$@"
