# Read by every login shell.
export GREETING="delta is installed"
alias hi=delta
