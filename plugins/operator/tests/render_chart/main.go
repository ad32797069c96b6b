// Renders the templates of a chart with the template language and functions that Helm uses, without Helm, which
// Debian does not package: render_chart CHART NAMESPACE [VALUES.json]. Prints {"objects": [...], "notes": "..."},
// every rendered document as JSON. Values are those of the chart's values.yaml, with VALUES.json laid over them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func readYaml(path string) map[string]interface{} {
	text, err := os.ReadFile(path)
	check(err)
	content := map[string]interface{}{}
	check(yaml.Unmarshal(text, &content))
	return content
}

// Numbers as Helm has them: it reads values through JSON.
func throughJson(value interface{}) interface{} {
	text, err := json.Marshal(value)
	check(err)
	var read interface{}
	check(json.Unmarshal(text, &read))
	return read
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: render_chart CHART NAMESPACE [VALUES.json]")
		os.Exit(2)
	}
	folder, namespace := os.Args[1], os.Args[2]
	values := readYaml(filepath.Join(folder, "values.yaml"))
	if len(os.Args) > 3 {
		text, err := os.ReadFile(os.Args[3])
		check(err)
		check(json.Unmarshal(text, &values))
	}
	chart := readYaml(filepath.Join(folder, "Chart.yaml"))
	data := map[string]interface{}{
		"Values":  throughJson(values),
		"Release": map[string]interface{}{"Name": "fleet", "Namespace": namespace, "Service": "Helm"},
		"Chart": map[string]interface{}{
			"Name": chart["name"], "Version": chart["version"], "AppVersion": chart["appVersion"]},
	}

	root := template.New("chart").Option("missingkey=error")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, scope interface{}) (string, error) {
		var text bytes.Buffer
		err := root.ExecuteTemplate(&text, name, scope)
		return text.String(), err
	}
	root.Funcs(functions)
	files, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	check(err)
	sort.Strings(files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(err)
		_, err = root.New(filepath.Base(file)).Parse(string(text))
		check(err)
	}

	objects := []interface{}{}
	notes := ""
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "_") {
			continue
		}
		var text bytes.Buffer
		check(root.ExecuteTemplate(&text, name, data))
		if name == "NOTES.txt" {
			notes = text.String()
			continue
		}
		var object map[string]interface{}
		if err := yaml.Unmarshal(text.Bytes(), &object); err != nil {
			check(fmt.Errorf("%s: %w\n%s", name, err, text.String()))
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
	definitions, err := filepath.Glob(filepath.Join(folder, "crds", "*"))
	check(err)
	crds := []interface{}{}
	for _, file := range definitions {
		crds = append(crds, readYaml(file))
	}
	check(json.NewEncoder(os.Stdout).Encode(
		map[string]interface{}{"objects": objects, "notes": notes, "crds": crds}))
}
