package sensing

import (
	"math"

	"twind/layers"
	"twind/realtime/rules"
)

// Kind is a quantity that sensors measure, and how it behaves.
type Kind struct {
	Quantity  string      // the property of the object that bindings name
	Title     layers.Text // what is measured
	Sensor    layers.Text // what measures it
	Quality   string      // by QUDT's vocabulary of kinds of quantities
	Unit      string      // symbol
	UnitName  string
	Code      string // of the unit by UCUM, the end of its definition's URL
	Low, High float64
	Decimals  int
	Period    int64 // seconds between two readings

	// Limit is where an alarm is raised, beyond it or, if Below, under it; it ends
	// when the value is back by Margin. NaN: never.
	Limit, Margin float64
	Below         bool
	Warn          float64 // where a warning begins before a limit that is not Below; 0: nowhere
	Class         string  // of the alarms
	Severity      rules.Severity
	Alarm         layers.Text // what the alarm is called

	// value is the quantity without noise when nothing is wrong.
	value func(w *weather, s *Sensor, t *moment) float64
	// noise is how far readings wander about it.
	noise float64
	// worst is the range that an incident takes the value to; sudden says at once.
	worst  [2]float64
	sudden bool
}

// moment is a time as curves need it.
type moment struct {
	unix float64 // seconds since 1970
	hour float64 // of the sensor's day, 0 to 24
}

// weather is what the sky does: rain in mm/h, as what has run off of it.
type weather struct{ runoff float64 }

func text(zh, en string) layers.Text { return layers.Text{ZH: zh, EN: en} }

var none = math.NaN()

// demand is how much water people use, by the hour: 0 at night to 1.
func demand(hour float64) float64 {
	return min(1, 0.15+0.8*hump(hour, 7.5, 1.8)+0.35*hump(hour, 13, 3)+0.75*hump(hour, 20, 2.6))
}

// The kinds. Limits are of the size that operators use; no standard sets them.
var (
	stormLevel = &Kind{
		Quantity: "water_level", Quality: "Depth", Title: text("水位", "Water level"), Sensor: text("雷达液位计", "Radar level gauge"),
		Unit: "m", UnitName: "metre", Code: "m", Low: 0, High: 4, Decimals: 2, Period: 20,
		Limit: 1.5, Margin: 0.2, Warn: 1.0, Class: "high-water", Severity: rules.Major, Alarm: text("井内水位过高", "Water level too high"),
		value: func(w *weather, s *Sensor, _ *moment) float64 {
			return between(s.trait(0), 0.05, 0.22) + between(s.trait(1), 0.012, 0.03)*w.runoff
		},
		noise: 0.012, worst: [2]float64{1.72, 2.6},
	}
	sewageLevel = &Kind{
		Quantity: "water_level", Quality: "Depth", Title: stormLevel.Title, Sensor: text("超声液位计", "Ultrasonic level gauge"),
		Unit: "m", UnitName: "metre", Code: "m", Low: 0, High: 4, Decimals: 2, Period: 20,
		Limit: 1.5, Margin: 0.2, Warn: 1.0, Class: "high-water", Severity: rules.Major, Alarm: stormLevel.Alarm,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 0.18, 0.42) * (0.55 + 0.7*demand(t.hour-0.7))
		},
		noise: 0.015, worst: [2]float64{1.72, 2.4},
	}
	methane = &Kind{
		Quantity: "methane", Quality: "VolumeFraction", Title: text("甲烷浓度", "Methane"), Sensor: text("激光甲烷检测仪", "Laser methane detector"),
		Unit: "%LEL", UnitName: "percent of the lower explosive limit", Code: "%", Low: 0, High: 100, Decimals: 1, Period: 30,
		Limit: 25, Margin: 5, Warn: 15, Class: "gas", Severity: rules.Critical, Alarm: text("甲烷浓度过高", "Methane too high"),
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 0.8, 4.5) * (1.25 - 0.4*demand(t.hour))
		},
		noise: 0.5, worst: [2]float64{29, 58},
	}
	coverTilt = &Kind{
		Quantity: "cover_tilt", Quality: "Angle", Title: text("井盖倾角", "Cover tilt"), Sensor: text("井盖姿态传感器", "Cover attitude sensor"),
		Unit: "°", UnitName: "degree", Code: "deg", Low: 0, High: 90, Decimals: 1, Period: 30,
		Limit: 15, Margin: 5, Class: "cover-open", Severity: rules.Critical, Alarm: text("井盖移位", "Cover out of place"),
		value: func(_ *weather, s *Sensor, _ *moment) float64 { return between(s.trait(0), 0.2, 2.4) },
		noise: 0.15, worst: [2]float64{24, 78}, sudden: true,
	}
	mainPressure = &Kind{
		Quantity: "pressure", Quality: "GaugePressure", Title: text("水压", "Water pressure"), Sensor: text("压力变送器", "Pressure transmitter"),
		Unit: "MPa", UnitName: "megapascal", Code: "MPa", Low: 0, High: 1, Decimals: 3, Period: 20,
		Limit: 0.2, Margin: 0.03, Below: true, Class: "low-pressure", Severity: rules.Major, Alarm: text("管网压力过低", "Pressure too low"),
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 0.31, 0.39) - between(s.trait(1), 0.02, 0.05)*demand(t.hour)
		},
		noise: 0.004, worst: [2]float64{0.09, 0.17},
	}
	hydrantPressure = &Kind{
		Quantity: "pressure", Quality: "GaugePressure", Title: text("消火栓压力", "Hydrant pressure"), Sensor: text("智能消火栓", "Hydrant gauge"),
		Unit: "MPa", UnitName: "megapascal", Code: "MPa", Low: 0, High: 1, Decimals: 2, Period: 30,
		Limit: 0.14, Margin: 0.03, Below: true, Class: "hydrant", Severity: rules.Minor, Alarm: text("消火栓压力不足", "Hydrant without pressure"),
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 0.27, 0.35) - 0.03*demand(t.hour)
		},
		noise: 0.005, worst: [2]float64{0.02, 0.11},
	}
	townPressure = &Kind{
		Quantity: "pressure", Quality: "GaugePressure", Title: mainPressure.Title, Sensor: mainPressure.Sensor,
		Unit: "kPa", UnitName: "kilopascal", Code: "kPa", Low: 0, High: 1200, Decimals: 0, Period: 20,
		Limit: 250, Margin: 30, Below: true, Class: "low-pressure", Severity: rules.Major, Alarm: mainPressure.Alarm,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 420, 640) - between(s.trait(1), 20, 70)*demand(t.hour)
		},
		noise: 4, worst: [2]float64{120, 215},
	}
	gasPressure = &Kind{
		Quantity: "gas_pressure", Quality: "GaugePressure", Title: text("燃气压力", "Gas pressure"), Sensor: text("燃气压力变送器", "Gas pressure transmitter"),
		Unit: "kPa", UnitName: "kilopascal", Code: "kPa", Low: 0, High: 400, Decimals: 0, Period: 30,
		Limit: 50, Margin: 10, Below: true, Class: "gas-pressure", Severity: rules.Critical, Alarm: text("燃气压力过低", "Gas pressure too low"),
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 88, 130) - 14*demand(t.hour)
		},
		noise: 1.2, worst: [2]float64{18, 41},
	}
	mainFlow = &Kind{
		Quantity: "flow", Quality: "VolumeFlowRate", Title: text("流量", "Flow"), Sensor: text("电磁流量计", "Electromagnetic flow meter"),
		Unit: "L/s", UnitName: "litre per second", Code: "L/s", Low: 0, High: 3000, Decimals: 1, Period: 20, Limit: none,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return s.size * between(s.trait(0), 40, 110) * (0.2 + 0.8*demand(t.hour))
		},
		noise: 0.6,
	}
	sewageFlow = &Kind{
		Quantity: "flow", Quality: "VolumeFlowRate", Title: mainFlow.Title, Sensor: text("多普勒流量计", "Doppler flow meter"),
		Unit: "L/s", UnitName: "litre per second", Code: "L/s", Low: 0, High: 3000, Decimals: 1, Period: 20, Limit: none,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return s.size * between(s.trait(0), 12, 45) * (0.25 + demand(t.hour-0.7))
		},
		noise: 0.3,
	}
	stormFlow = &Kind{
		Quantity: "flow", Quality: "VolumeFlowRate", Title: mainFlow.Title, Sensor: sewageFlow.Sensor,
		Unit: "L/s", UnitName: "litre per second", Code: "L/s", Low: 0, High: 5000, Decimals: 1, Period: 20, Limit: none,
		value: func(w *weather, s *Sensor, _ *moment) float64 {
			return s.size * (between(s.trait(0), 0.5, 3) + between(s.trait(1), 6, 16)*w.runoff)
		},
		noise: 0.3,
	}
	lampPower = &Kind{
		Quantity: "power", Quality: "ActivePower", Title: text("功率", "Power"), Sensor: text("单灯控制器", "Lamp controller"),
		Unit: "W", UnitName: "watt", Code: "W", Low: 0, High: 400, Decimals: 0, Period: 30, Limit: none,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			full := math.Round(between(s.trait(0), 0, 2))*30 + 90 // lamps of 90, 120 and 150 W
			on := 17.6 + 0.5*s.trait(1)
			switch {
			case t.hour >= on || t.hour < 0.5:
				return full
			case t.hour < 6.2+0.3*s.trait(1): // dimmed after half past midnight
				return 0.6 * full
			}
			return 1.5 // the controller itself
		},
		noise: 1,
	}
	leakage = &Kind{
		Quantity: "leakage", Quality: "ElectricCurrent", Title: text("漏电流", "Leakage current"), Sensor: lampPower.Sensor,
		Unit: "mA", UnitName: "milliampere", Code: "mA", Low: 0, High: 500, Decimals: 1, Period: 30,
		Limit: 30, Margin: 8, Class: "leakage", Severity: rules.Critical, Alarm: text("灯杆漏电", "Lamp post leaks current"),
		value: func(w *weather, s *Sensor, _ *moment) float64 {
			return between(s.trait(2), 0.4, 3.5) + min(8, 0.25*w.runoff)
		},
		noise: 0.3, worst: [2]float64{42, 130}, sudden: true,
	}
	transformerHeat = &Kind{
		Quantity: "temperature", Quality: "Temperature", Title: text("温度", "Temperature"), Sensor: text("光纤测温", "Fibre thermometer"),
		Unit: "°C", UnitName: "degree Celsius", Code: "Cel", Low: -30, High: 160, Decimals: 1, Period: 30,
		Limit: 85, Margin: 5, Warn: 75, Class: "overheating", Severity: rules.Major, Alarm: text("变压器过热", "Transformer too hot"),
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			return between(s.trait(0), 34, 46) + 18*hump(t.hour, 20, 4) + 9*hump(t.hour, 14, 4)
		},
		noise: 0.6, worst: [2]float64{91, 112},
	}
	binFill = &Kind{
		Quantity: "fill", Quality: "DimensionlessRatio", Title: text("满溢度", "Fill level"), Sensor: text("满溢传感器", "Fill sensor"),
		Unit: "%", UnitName: "percent", Code: "%", Low: 0, High: 100, Decimals: 0, Period: 30, Limit: none,
		value: func(_ *weather, s *Sensor, t *moment) float64 {
			hours := math.Mod(t.hour-5-3*s.trait(1)+24, 24) // since it was emptied
			return min(97, between(s.trait(0), 2, 4.2)*hours)
		},
		noise: 1,
	}
)
