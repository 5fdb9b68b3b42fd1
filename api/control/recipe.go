package control

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"usher/catalog"
	"usher/recipe"
	wire "usher/wire/personalize"
)

// recipeOf gives the table entry of the recipe that an ARN names.
func (a *API) recipeOf(arn string) (recipe.Spec, error) {
	parts, err := a.parse(arn, catalog.KindRecipe)
	if err != nil {
		return recipe.Spec{}, err
	}
	spec, ok := recipe.SpecOf(parts[0])
	if !ok {
		return recipe.Spec{}, absent(arn)
	}
	return spec, nil
}

// recipeARN gives the ARN of a recipe in this server's partition.
func (a *API) recipeARN(name string) string { return a.opt.ARNs.Of(catalog.KindRecipe, name) }

// trained gives an error unless solutions can have the recipe here.
func (a *API) trained(spec recipe.Spec) error {
	choice := "Use " + strings.Join(a.trainable, ", ") + "."
	switch {
	case spec.Domain != "":
		return invalid("recipeArn: %s is a use case of the domain %s: it is for recommenders, which CreateRecommender makes in a dataset group of that domain. %s", spec.Name, spec.Domain, choice)
	case spec.Legacy:
		return invalid("recipeArn: %s is a legacy recipe: new solutions cannot have it. %s", spec.Name, choice)
	case !slices.Contains(a.trainable, spec.Name):
		return invalid("recipeArn: this version of usher cannot train %s yet. %s", spec.Name, choice)
	}
	return nil
}

// DescribeRecipe shows a recipe of the table.
func (a *API) DescribeRecipe(_ context.Context, in *wire.DescribeRecipeInput) (*wire.DescribeRecipeOutput, error) {
	spec, err := a.recipeOf(*in.RecipeArn)
	if err != nil {
		return nil, err
	}
	r := &wire.Recipe{
		Name: &spec.Name, RecipeArn: new(a.recipeARN(spec.Name)), Status: new(string(catalog.Active)),
		AlgorithmArn: new(a.opt.ARNs.Of(catalog.KindAlgorithm, spec.Algorithm)), Description: &spec.Description,
		RecipeType: new(string(spec.Type)), CreationDateTime: new(recipe.Created()), LastUpdatedDateTime: new(recipe.Created()),
	}
	if spec.Transformation != "" {
		r.FeatureTransformationArn = new(a.opt.ARNs.Of(catalog.KindFeatureTransformation, spec.Transformation))
	}
	return &wire.DescribeRecipeOutput{Recipe: r}, nil
}

// ListRecipes lists the table by name, one domain's use cases if a domain is given.
func (a *API) ListRecipes(_ context.Context, in *wire.ListRecipesInput) (*wire.ListRecipesOutput, error) {
	p := newPage("ListRecipes", in.NextToken, in.MaxResults, string(in.Domain))
	after, err := p.position()
	if err != nil {
		return nil, err
	}
	out := &wire.ListRecipesOutput{Recipes: []wire.RecipeSummary{}}
	for _, spec := range recipe.Table() {
		if spec.Name <= after || in.Domain != "" && spec.Domain != string(in.Domain) {
			continue
		}
		if len(out.Recipes) == p.limit() {
			out.NextToken = p.token(*out.Recipes[len(out.Recipes)-1].Name)
			break
		}
		out.Recipes = append(out.Recipes, wire.RecipeSummary{
			Name: new(spec.Name), RecipeArn: new(a.recipeARN(spec.Name)), Status: new(string(catalog.Active)),
			CreationDateTime: new(recipe.Created()), LastUpdatedDateTime: new(recipe.Created()), Domain: wire.Domain(spec.Domain),
		})
	}
	return out, nil
}

// DescribeAlgorithm shows the hyperparameters of an algorithm, their defaults and ranges.
func (a *API) DescribeAlgorithm(_ context.Context, in *wire.DescribeAlgorithmInput) (*wire.DescribeAlgorithmOutput, error) {
	if _, err := a.parse(*in.AlgorithmArn, catalog.KindAlgorithm); err != nil {
		return nil, err
	}
	algorithm, ok := recipe.ParseAlgorithmARN(*in.AlgorithmArn)
	if !ok {
		return nil, absent(*in.AlgorithmArn)
	}
	return &wire.DescribeAlgorithmOutput{Algorithm: &wire.Algorithm{
		Name: &algorithm.Name, AlgorithmArn: in.AlgorithmArn,
		AlgorithmImage:         &wire.AlgorithmImage{Name: &algorithm.Name, DockerURI: new("usher/" + algorithm.Name)}, // no image: usher trains by itself
		DefaultHyperParameters: recipe.Defaults(algorithm.Params), DefaultHyperParameterRanges: ranges(algorithm.Params),
		DefaultResourceConfig: map[string]string{
			"maxNumberOfTrainingJobs": strconv.Itoa(maxTrainingJobs), "maxParallelTrainingJobs": strconv.Itoa(maxParallelJobs),
		},
		TrainingInputMode: new("File"), CreationDateTime: new(recipe.Created()), LastUpdatedDateTime: new(recipe.Created()),
	}}, nil
}

// ranges gives the ranges of parameters by kind. Booleans are categories.
func ranges(params []recipe.Param) *wire.DefaultHyperParameterRanges {
	r := &wire.DefaultHyperParameterRanges{
		IntegerHyperParameterRanges:     []wire.DefaultIntegerHyperParameterRange{},
		ContinuousHyperParameterRanges:  []wire.DefaultContinuousHyperParameterRange{},
		CategoricalHyperParameterRanges: []wire.DefaultCategoricalHyperParameterRange{},
	}
	for _, p := range params {
		name, tunable := new(p.Name), new(p.Tunable)
		switch p.Kind {
		case recipe.Int:
			r.IntegerHyperParameterRanges = append(r.IntegerHyperParameterRanges, wire.DefaultIntegerHyperParameterRange{
				Name: name, MinValue: new(int32(p.Min)), MaxValue: new(int32(p.Max)), IsTunable: tunable,
			})
		case recipe.Float:
			r.ContinuousHyperParameterRanges = append(r.ContinuousHyperParameterRanges, wire.DefaultContinuousHyperParameterRange{
				Name: name, MinValue: new(p.Min), MaxValue: new(p.Max), IsTunable: tunable,
			})
		case recipe.Bool, recipe.Choice:
			values := p.Values
			if p.Kind == recipe.Bool {
				values = []string{"true", "false"}
			}
			r.CategoricalHyperParameterRanges = append(r.CategoricalHyperParameterRanges, wire.DefaultCategoricalHyperParameterRange{
				Name: name, Values: values, IsTunable: tunable,
			})
		}
	}
	return r
}

// DescribeFeatureTransformation shows the parameters of a feature transformation.
func (a *API) DescribeFeatureTransformation(_ context.Context, in *wire.DescribeFeatureTransformationInput) (*wire.DescribeFeatureTransformationOutput, error) {
	if _, err := a.parse(*in.FeatureTransformationArn, catalog.KindFeatureTransformation); err != nil {
		return nil, err
	}
	t, ok := recipe.ParseTransformationARN(*in.FeatureTransformationArn)
	if !ok {
		return nil, absent(*in.FeatureTransformationArn)
	}
	return &wire.DescribeFeatureTransformationOutput{FeatureTransformation: &wire.FeatureTransformation{
		Name: &t.Name, FeatureTransformationArn: in.FeatureTransformationArn, DefaultParameters: recipe.Defaults(t.Params),
		CreationDateTime: new(recipe.Created()), LastUpdatedDateTime: new(recipe.Created()), Status: new(string(catalog.Active)),
	}}, nil
}
