namespace DistTrainer.Engine.Data;

/// <summary>
/// A file of a remote data set. The checksum is of the unpacked content, so that any gzip of the same content passes.
/// </summary>
/// <param name="Name">Its name; a gzip's ends in <c>.gz</c>.</param>
/// <param name="Length">Bytes of the unpacked content.</param>
/// <param name="Sha256">SHA-256 of the unpacked content, lower-case hex.</param>
internal sealed record RemoteFile(string Name, long Length, string Sha256)
{
    /// <summary>Whether it is a gzip.</summary>
    public bool IsPacked => Name.EndsWith(".gz", StringComparison.Ordinal);
}

/// <summary>A data set that is downloaded.</summary>
/// <param name="Name">What <c>data.source</c> calls it.</param>
/// <param name="Origin">The address that the names of the files are added to; ends in a slash.</param>
/// <param name="Files">The files; of a table the first one is meant by its name.</param>
internal sealed record RemoteDataSet(string Name, Uri Origin, IReadOnlyList<RemoteFile> Files)
{
    /// <summary>One line.</summary>
    public string Description { get; init; } = "";

    /// <summary>What its targets mean.</summary>
    public TaskKind Task { get; init; } = TaskKind.Classification;

    /// <summary>Samples, test samples too.</summary>
    public int Samples { get; init; }

    /// <summary>Features a sample; of a table its columns beside the target.</summary>
    public int Features { get; init; }

    /// <summary>SPDX identifier; <c>NOASSERTION</c> where the publishers name none.</summary>
    public string Licence { get; init; } = "NOASSERTION";

    /// <summary>The target column of a table; null of files of the MNIST kind.</summary>
    public string? Target { get; init; }

    /// <summary>Where Debian's package <c>dataset-NAME</c> lies, if there is one.</summary>
    public string? SystemFolder { get; init; }

    /// <summary>Where it is looked for.</summary>
    /// <param name="cacheFolder">The folder of fetched data sets.</param>
    public IEnumerable<string> Folders(string cacheFolder) =>
        [Path.Combine(cacheFolder, Name), .. SystemFolder is { } system ? [system] : (string[])[]];

    /// <summary>The file of a table, or the folder of files of the MNIST kind; null where it is not there.</summary>
    /// <param name="cacheFolder">The folder of fetched data sets.</param>
    public string? Find(string cacheFolder) => Target is null
        ? Folders(cacheFolder).FirstOrDefault(IdxFolder.IsOne)
        : Folders(cacheFolder).Select(folder => Path.Combine(folder, Files[0].Name)).FirstOrDefault(File.Exists);

    /// <summary>Its line of the catalog.</summary>
    /// <param name="location">What <see cref="Find"/> found.</param>
    public CatalogEntry Entry(string? location) =>
        new(Name, Description, Task, Samples, Features, Licence, location, Target);
}

/// <summary>The data sets that are fetched.</summary>
internal static class RemoteCatalog
{
    private static readonly Uri s_brownlee =
        new("https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/");
    private static readonly Uri s_seaborn =
        new("https://raw.githubusercontent.com/mwaskom/seaborn-data/71e2436a092d714350de0fc409ca8a8714e7e78f/");

    /// <summary>
    /// All of them. Of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747) the gzip files of Debian's package
    /// differ from the original ones in their headers only; the content is the same.
    /// </summary>
    public static IReadOnlyList<RemoteDataSet> All { get; } =
    [
        new("fashion-mnist", new("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
            [new("train-images-idx3-ubyte.gz", 47_040_016,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            new("train-labels-idx1-ubyte.gz", 60_008,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            new("t10k-images-idx3-ubyte.gz", 7_840_016,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            new("t10k-labels-idx1-ubyte.gz", 10_008,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")])
        {
            Description = "28×28 images of clothes (Zalando), ten classes, 10,000 of them for the test",
            Samples = 70_000,
            Features = 784,
            Licence = "MIT",
            SystemFolder = "/usr/share/datasets/fashion-mnist",
        },
        new("titanic", s_seaborn,
            [new("titanic.csv", 57_018,
                "81787d320d7f7b03df935e91de8bd19e11d45c5bbcab86ef4d4a76dc91b7d4f2")])
        {
            Description = "passengers of the Titanic and who survived; 'alive' says it too",
            Samples = 891,
            Features = 14,
            Target = "survived",
        },
        new("penguins", s_seaborn,
            [new("penguins.csv", 13_478,
                "e07636bd8af74260099ea2f8678e2eabbf35def579940cc76f67061ee16c06c1")])
        {
            Description = "measures of penguins (Palmer Station), three species",
            Samples = 344,
            Features = 6,
            Licence = "CC0-1.0",
            Target = "species",
        },
        new("adult", s_brownlee,
            [new("adult-train.csv", 3_974_305,
                "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"),
            new("adult-test.csv", 2_003_132,
                "72567b94f5c1a6f8501377dd80f93892c3848ff071cf91ba47e00b0785a28074")])
        {
            Description = "incomes above 50,000 dollars (census of 1994, UCI): the training part; "
                + "adult-test.csv is fetched beside",
            Samples = 32_561,
            Features = 14,
            Licence = "CC-BY-4.0",
            Target = "14",
        },
        new("german", s_brownlee,
            [new("german.csv", 79_793,
                "ec12a88b9fc14d74ba646ea0410cf7ff4533bec2eb61652f8ad76796bbfec017")])
        {
            Description = "good and bad credit risks (Statlog, UCI)",
            Samples = 1000,
            Features = 20,
            Licence = "CC-BY-4.0",
            Target = "20",
        },
        new("horse-colic", s_brownlee,
            [new("horse-colic.csv", 25_151,
                "6ea4b4e9819f56dd021bea06d4a56c711825d0e6e33bc0cfc183f054fc4256d6")])
        {
            Description = "colic of horses, surgical or not (UCI); 24 to 27 are known only afterwards, 2 is a "
                + "number of the hospital",
            Samples = 300,
            Features = 27,
            Licence = "CC-BY-4.0",
            Target = "23",
        },
        new("abalone", s_brownlee,
            [new("abalone.csv", 191_872,
                "eb2de13be807e9bb9ec4128b9c89b98ab23d7739121cfd17b7dde69b46ba7bf6")])
        {
            Description = "rings of abalones, their age, by size and weight (UCI)",
            Task = TaskKind.Regression,
            Samples = 4177,
            Features = 8,
            Licence = "CC-BY-4.0",
            Target = "8",
        },
        new("auto-imports", s_brownlee,
            [new("auto_imports.csv", 25_451,
                "bf76211fc32da0a927334e690e8f59e42c6b11ee281f9bed8a6ecdfe4bd70f31")])
        {
            Description = "prices of cars of 1985 (UCI)",
            Task = TaskKind.Regression,
            Samples = 201,
            Features = 25,
            Licence = "CC-BY-4.0",
            Target = "25",
        },
        new("diamonds", s_seaborn,
            [new("diamonds.csv", 2_772_143,
                "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4")])
        {
            Description = "prices of diamonds (ggplot2)",
            Task = TaskKind.Regression,
            Samples = 53_940,
            Features = 9,
            Target = "price",
        },
        new("mpg", s_seaborn,
            [new("mpg.csv", 21_222,
                "c14b8b855ea7ee86cb9736bf8caaf281c4685ca08826f3eb2acaccaaf40f0d5a")])
        {
            Description = "miles per gallon of cars of 1970 to 1982 (UCI)",
            Task = TaskKind.Regression,
            Samples = 398,
            Features = 8,
            Licence = "CC-BY-4.0",
            Target = "mpg",
        },
        new("taxis", s_seaborn,
            [new("taxis.csv", 869_349,
                "08d6d71784dbaa2651fee37fc03389754194c05d72d2d19cbc2c799dea6ac09d")])
        {
            Description = "totals of taxi rides in New York, 2019; 'fare', 'tip' and 'tolls' are parts of them",
            Task = TaskKind.Regression,
            Samples = 6433,
            Features = 13,
            Target = "total",
        },
        new("housing", s_brownlee,
            [new("housing.data", 49_081,
                "e3e36f7b9e5435f9eb8320e106aebad00031fefa3064527da0c71dec59e49b76")])
        {
            Description = "prices of homes in Boston, 1978 (Harrison and Rubinfeld)",
            Task = TaskKind.Regression,
            Samples = 506,
            Features = 13,
            Target = "13",
        },
        new("wine-quality", s_brownlee,
            [new("winequality-white.csv", 264_255,
                "659d419fff887f225bf977d20520bb64a64cae203e460087f809721d4430ba27")])
        {
            Description = "tasters' grades of white wines (UCI)",
            Task = TaskKind.Regression,
            Samples = 4898,
            Features = 11,
            Licence = "CC-BY-4.0",
            Target = "11",
        },
    ];

    /// <summary>The data set of a name; null where none of these has it.</summary>
    /// <param name="name">What <c>data.source</c> calls it.</param>
    public static RemoteDataSet? Find(string name) => All.FirstOrDefault(set => set.Name == name);
}
