"""What bad input and bad luck get: the citizens' rows of the table, then the operators', then what a node is as a process."""
import bad_luck_citizens
import bad_luck_operators
import bad_luck_process
from checks import run
from citizens import People


def parts(checks):
    people = People(checks.random)
    checks.part(citizens_rows, checks, people)
    operators = bad_luck_operators.Operators(checks, people)
    for row in bad_luck_operators.ROWS + bad_luck_process.ROWS:
        checks.part(row, operators)


def citizens_rows(checks, people):
    c = bad_luck_citizens.Citizens(checks, people)
    for row in bad_luck_citizens.ROWS:
        checks.part(row, c)
    c.node.kill()


if __name__ == "__main__":
    run("bad_luck", parts)
