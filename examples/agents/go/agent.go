// Package export_wit_world has the export of the world. It is an agent as a component: it answers a question by running a
// Python program in a sandbox.
package export_wit_world

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	// wit-bindgen generates the module of these two from the WIT files.
	executor "wit_component/cofferdam_code_executor_code_executor"
	contract "wit_component/cofferdam_code_executor_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

const attempts = 2

// What the stand-in for a model knows. The second program has a mistake: it does not import `math`.
var programs = []struct {
	question *regexp.Regexp
	program  string
}{
	{regexp.MustCompile(`sum of squares up to (\d+)`), "print(sum(n * n for n in range(1, %s + 1)))"},
	{regexp.MustCompile(`factorial of (\d+)`), "print(math.factorial(%s))"},
}

var undefined = regexp.MustCompile(`NameError: name '(\w+)' is not defined`)

// The contract's error codes, in its order: the bindings have numbers.
var codes = []string{
	"invalid-request", "too-large", "denied", "unauthorised", "quota", "overloaded", "unschedulable",
	"image-unavailable", "sandbox-unavailable", "startup-timeout", "evicted", "cancelled", "unreachable", "internal",
}

// Ask is the export of the world.
func Ask(question string) wit.Result[string, string] {
	answer, err := answer(question)
	if err != nil {
		return wit.Err[string](err.Error())
	}
	return wit.Ok[string, string](answer)
}

func answer(question string) (string, error) {
	mistake := ""
	for range attempts {
		program, err := writeProgram(question, mistake)
		if err != nil {
			return "", err
		}
		outcome, err := run(program)
		if err != nil {
			return "", err
		}
		status := outcome.Status
		if status.Tag() == contract.Status_Exited && status.Exited() == 0 {
			return strings.TrimSpace(outcome.Stdout.Text), nil
		}
		// A program that fails is not an error. Its traceback tells the model what to correct.
		mistake = outcome.Stderr.Text
	}
	return "", fmt.Errorf("No program worked. The last one failed with: %s", mistake)
}

// writeProgram stands in for a model. `mistake` is what the previous program wrote to its standard error.
func writeProgram(question, mistake string) (string, error) {
	for _, known := range programs {
		if number := known.question.FindStringSubmatch(question); number != nil {
			program := fmt.Sprintf(known.program, number[1])
			if missing := undefined.FindStringSubmatch(mistake); missing != nil {
				program = fmt.Sprintf("import %s\n%s", missing[1], program)
			}
			return program, nil
		}
	}
	return "", errors.New("I do not know how to answer this question.")
}

// run executes a program in a sandbox of its own.
func run(code string) (outcome executor.Outcome, err error) {
	// The contract requires only `code`: an option that is not set is none.
	result := executor.Execute(contract.Request{Code: code})
	if result.IsOk() {
		return result.Ok(), nil
	}
	// The sandbox failed, not the program, so a different program would not help.
	failure, hint := result.Err(), ""
	if failure.Retryable {
		hint = " (a retry may succeed)"
	}
	return outcome, fmt.Errorf("%s: %s%s", codes[failure.Code], failure.Message, hint)
}
