#compdef ardso
# zsh completion for ardso; put `source <(ardso completion zsh)` into ~/.zshrc
_ardso() {
  local -a words_found
  local cur=${words[-1]}
  if [[ "$cur" == -* ]]; then
    words_found=("${(@f)$(${words[@]:0:#words[@]-1} ${cur} --generate-bash-completion 2>/dev/null)}")
  else
    words_found=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  _describe 'values' words_found
}
compdef _ardso ardso
