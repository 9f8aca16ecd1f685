package main

import "fmt"

type exportCommand struct{}

func (exportCommand) Run(*program) error { return fmt.Errorf("exporters are not wired yet") }
